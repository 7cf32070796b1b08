/** Making and deleting single subvolumes by their path on the host. */
import { lstat } from 'node:fs/promises'
import { CroftError } from '../../../api/errors.ts'
import type { Runner } from '../../exec/command.ts'
import * as commands from './commands.ts'
import { parseSubvolumes, saysGone, saysNotEmpty, storageFailed } from './parse.ts'
import { runOrThrow } from './run.ts'

/** The root of every subvolume has this inode number. */
const rootInode = 256

/** False only when nothing is there; anything else than a subvolume is a fault that must not be taken for either. */
export async function isSubvolume(path: string): Promise<boolean> {
  try {
    const found = await lstat(path)
    if (found.isDirectory() && found.ino === rootInode) return true
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw thrown
  }
  throw new CroftError('FAILED', `${path} is not a subvolume`, { hint: 'croft doctor' })
}

/** Gone is fine. The usual case is one process; what stands in the way is cleared only when something does. */
export async function removeSubvolume(run: Runner, pool: string, path: string): Promise<void> {
  const command = commands.deleteSubvolume(path)
  const first = await run.outcome(command)
  if (first.code === 0 || saysGone(first)) return
  if (!saysNotEmpty(first)) throw storageFailed(command, first)
  await clearInside(run, pool, path)
  await runOrThrow(run, command)
}

interface Found {
  readonly id: number
  readonly onHost: string
}

/** Subvolumes that the guest's root made go deepest first; all are freed of limits and of being read-only before. */
async function clearInside(run: Runner, pool: string, path: string): Promise<void> {
  const own = Number((await runOrThrow(run, commands.rootId(path))).trim())
  const nested = await nestedIn(run, pool, { id: own, onHost: path })
  for (const { id, onHost } of [{ id: own, onHost: path }, ...nested]) {
    await run.outcome(commands.limitSubvolume(id, null, pool))
    await run.outcome(commands.makeWritable(onHost))
  }
  for (const { id } of nested) {
    const command = commands.deleteById(id, pool)
    const outcome = await run.outcome(command)
    if (outcome.code !== 0 && !saysGone(outcome)) throw storageFailed(command, outcome)
  }
}

/** Rows of the list may be invented by a guest; the kernel's own answer for one id cannot be. */
async function nestedIn(run: Runner, pool: string, outer: Found): Promise<Found[]> {
  const prefix = `${withoutNewline(await runOrThrow(run, commands.resolveId(outer.id, pool)))}/`
  const rows = parseSubvolumes(await runOrThrow(run, commands.listSubvolumes(pool)))
  const found: Found[] = []
  for (const id of new Set(rows.map((row) => row.id))) {
    const answer = await run.outcome(commands.resolveId(id, pool))
    const inside = withoutNewline(answer.stdout)
    if (answer.code !== 0 || !inside.startsWith(prefix)) continue
    found.push({ id, onHost: `${outer.onHost}/${inside.slice(prefix.length)}` })
  }
  return found.sort((a, b) => b.onHost.length - a.onHost.length)
}

const withoutNewline = (text: string): string => text.replace(/\n$/, '')
