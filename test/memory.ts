/** Folders in memory, for what is thrown away: dpkg has the disk keep each step of each package, a third of what a build costs. */
import { freemem } from 'node:os'
import { createRunner } from '../src/drivers/exec/runner.ts'

const run = createRunner()
const plentyBytes = 8 * 1024 ** 3

/** Where memory is short, the folder stays what it is. */
export async function putInMemory(folder: string): Promise<void> {
  if (freemem() < plentyBytes) return
  await run.run({ file: 'mount', args: ['-t', 'tmpfs', '-o', 'mode=0755,size=4g', 'tmpfs', folder], timeoutMs: 10_000 })
}

/** Also one that a run which was killed left behind. */
export async function takeFromMemory(folder: string): Promise<void> {
  await run.outcome({ file: 'umount', args: ['-q', '-l', folder], timeoutMs: 10_000 })
}
