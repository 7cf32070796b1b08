/** A copy that only we read, for the editor. One whose command was killed is swept when the next is made. */
import { lstatSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'

export interface Draft extends Disposable {
  readonly path: string
  /** It stays when we end; returns where. */
  keep(): string
}

export function createDraft(name: string, content: string | Uint8Array): Draft {
  sweep()
  const folder = mkdtempSync(join(tmpdir(), `croft-edit-${process.pid}-`))
  const path = join(folder, name.replace(/[^A-Za-z0-9._-]/g, '_'))
  writeFileSync(path, content, { mode: 0o600, flag: 'wx' })
  return {
    path,
    keep() {
      const kept = mkdtempSync(join(tmpdir(), 'croft-kept-'))
      renameSync(path, join(kept, basename(path)))
      return join(kept, basename(path))
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}

function sweep(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = /^croft-edit-(\d{1,9})-\w+$/.exec(name)?.[1]
    const folder = join(tmpdir(), name)
    if (pid !== undefined && !isAlive(Number(pid)) && isOurs(folder)) rmSync(folder, { recursive: true, force: true })
  }
}

function isOurs(folder: string): boolean {
  const stats = lstatSync(folder, { throwIfNoEntry: false })
  return stats?.isDirectory() === true && stats.uid === process.getuid?.()
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}
