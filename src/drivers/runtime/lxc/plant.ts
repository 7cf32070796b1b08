/** Seeds on the disk of a guest that does not run, by a tool that works on nothing but that disk. */
import type { SeedFile } from '../../../api/app.ts'
import { CroftError } from '../../../api/errors.ts'
import type { Command, Runner } from '../../exec/command.ts'
import { lastLines } from '../../exec/runner.ts'
import { foldersOf, seedArchive } from '../seed.ts'

/** A guest's own limits hold: it is a small archive on a disk nearby. */
const patienceMs = 60_000

/**
 * A folder on the way that is a link would lead what is private to where others of the guest look, so nothing is written then.
 * Between the look and the writing nobody changes the disk: its guest does not run. What stands at a file's own place goes.
 */
export async function plant(run: Runner, tool: Command, files: readonly SeedFile[]): Promise<void> {
  const stdin = seedArchive(files)
  if (files.length === 0) return
  const words = (...args: string[]): Command => ({ ...tool, args: [...tool.args, ...args], timeoutMs: patienceMs })
  const folders = foldersOf(files)
  if (folders.length > 0) {
    // Those that are not there yet are complaints and no output.
    const { stdout } = await run.outcome(words('find', ...folders, '-maxdepth', '0', '!', '-type', 'd'))
    const [first] = stdout.split('\n')
    if (first) throw new CroftError('START_FAILED', `its seed is not put on the disk: there ${first} is no folder`)
  }
  const done = await run.outcome({ ...words('tar', '-x', '-p', '-f', '-', '-C', '/'), stdin })
  if (done.code === 0) return
  const why = done.timedOut ? 'it takes too long' : lastLines(done.stderr, 3) || `tar: exit ${done.code}`
  throw new CroftError('START_FAILED', `its seed is not put on the disk: ${why}`)
}
