/**
 * Before another version of croft writes to the store, it is copied as the last one left it: `copies/VERSION/` beside it,
 * the way back when the new one wrote what the old one does not read. A version that cannot read the store copies nothing
 * and is not noted. The note comes after the copy and before the first write: whenever the daemon dies, the next one
 * neither takes what this version wrote for what the last one left, nor finds less than a whole copy.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { type FoundStore, schemaOfCopy } from '../store/sqlite/file.ts'

const kept = 3

/** The version that is to write to it now; the copy's folder when one was made. */
export function copyBeforeUpgrade(
  storeFile: string,
  version: string,
  found: FoundStore | undefined,
): string | undefined {
  const last = lastVersion(storeFile)
  if (last === version) return undefined
  const copy = found && copyOf(found, join(dirname(storeFile), 'copies'), last)
  noteVersion(versionFile(storeFile), version)
  return copy
}

/** A copy of an older form is the way back to a version that reads nothing newer: it is never replaced by a newer form. */
function copyOf(found: FoundStore, copies: string, last: string): string | undefined {
  const to = join(copies, last)
  const before = schemaOfCopy(join(to, 'croft.db'))
  if (before !== undefined && before < found.schema) return undefined
  const draft = `${to}.new`
  rmSync(draft, { recursive: true, force: true })
  mkdirSync(draft, { recursive: true, mode: 0o700 })
  found.copyTo(join(draft, 'croft.db'))
  for (const path of [join(draft, 'croft.db'), draft]) sync(path)
  rmSync(to, { recursive: true, force: true })
  renameSync(draft, to)
  removeOldest(copies)
  for (const path of [copies, dirname(copies)]) sync(path)
  return to
}

function noteVersion(file: string, version: string): void {
  writeFileSync(`${file}.new`, `${version}\n`, { mode: 0o600, flush: true })
  renameSync(`${file}.new`, file)
  sync(dirname(file))
}

const versionFile = (storeFile: string): string => join(dirname(storeFile), 'version')

function lastVersion(storeFile: string): string {
  const file = versionFile(storeFile)
  const text = existsSync(file) ? readFileSync(file, 'utf8').trim() : ''
  return /^[0-9][\w.~+-]{0,60}$/.test(text) ? text : 'unknown'
}

function removeOldest(copies: string): void {
  const ages = readdirSync(copies).map((name) => ({ name, at: statSync(join(copies, name)).mtimeMs }))
  for (const { name } of ages.sort((a, b) => b.at - a.at).slice(kept))
    rmSync(join(copies, name), { recursive: true, force: true })
}

function sync(path: string): void {
  const handle = openSync(path, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
