/**
 * Reads an archive that others made: a process of its own, a nobody without network, privileges or a file to open. The
 * archive is its stdin, a scratch file its third descriptor; a clean tar goes to stdout, and what it found as one line of
 * JSON to stderr. Its words are the nobody's id, the limits, and how much the
 * scratch file may hold.
 */
import { once } from 'node:events'
import type { ReadLimits } from '../driver.ts'
import { readImage } from './formats.ts'
import { openArchive } from './open.ts'
import { Refused } from './refused.ts'

const scratchFd = 3

const [uid = Number.NaN, bytes = 0, files = 0, scratchBytes = 0] = process.argv.slice(2).map(Number)
becomeNobody(uid)
try {
  const limits: ReadLimits = { bytes, files }
  const scratch = { fd: scratchFd, maxBytes: Math.min(bytes + files * 2048, scratchBytes) }
  const archive = await openArchive(0, scratch)
  const facts = await readImage(archive, { limits, scratch, write })
  tell({ facts })
} catch (thrown) {
  const { message } = thrown as Error
  tell(thrown instanceof Refused ? { refused: message } : { failed: message })
  process.exitCode = 1
}

function becomeNobody(id: number): void {
  process.setgroups?.([])
  process.setgid?.(id)
  process.setuid?.(id)
  if (process.getuid?.() !== id || id === 0) throw new Error('still somebody')
}

async function write(chunk: Buffer): Promise<void> {
  if (!process.stdout.write(chunk)) await once(process.stdout, 'drain')
}

function tell(what: object): void {
  process.stderr.write(`\n${JSON.stringify(what)}\n`)
}
