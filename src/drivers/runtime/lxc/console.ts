/** What LXC keeps of a guest's console: one file over all starts, bounded. Beside it stands where the last start begins. */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Layout } from './layout.ts'

type Files = Pick<Layout, 'console' | 'consoleStart'>

/** Before a start. LXC begins another file when this one is full: then all of that is of the last start. */
export function noteConsoleStart({ console, consoleStart }: Files): void {
  const found = statSync(console, { throwIfNoEntry: false })
  writeFileSync(consoleStart, found ? `${found.ino} ${found.size}` : '0 0', { mode: 0o600 })
}

export async function consoleTail(files: Files, maxBytes: number, sinceStart: boolean): Promise<string> {
  const handle = await open(files.console, 'r').catch(() => undefined)
  if (!handle) return ''
  try {
    const { size, ino } = await handle.stat()
    const from = Math.max(size - maxBytes, sinceStart ? beginning(files, ino) : 0)
    const length = Math.max(0, size - from)
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, from)
    return buffer.toString('utf8')
  } finally {
    await handle.close()
  }
}

function beginning({ consoleStart }: Files, ino: number): number {
  try {
    const [noted, size] = readFileSync(consoleStart, 'utf8').split(' ').map(Number)
    return noted === ino ? (size ?? 0) : 0
  } catch {
    return 0
  }
}
