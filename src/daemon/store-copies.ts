/**
 * Before another version of croft opens the store, the files are copied as the last one left them: `copies/VERSION/` beside
 * it, the way back when the new one wrote what the old one does not read. Nobody has the store open then.
 */
import {
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { replaceFile } from './replace-file.ts'

const kept = 3

/** The version that is to open it now; the copy's folder when one was made. */
export function copyBeforeUpgrade(storeFile: string, version: string): string | undefined {
  const last = lastVersion(storeFile)
  if (last === version || !existsSync(storeFile)) return undefined
  const copies = join(dirname(storeFile), 'copies')
  const to = join(copies, last)
  const draft = `${to}.new`
  rmSync(draft, { recursive: true, force: true })
  mkdirSync(draft, { recursive: true, mode: 0o700 })
  for (const end of ['', '-wal'])
    if (existsSync(storeFile + end))
      copyFileSync(storeFile + end, join(draft, `croft.db${end}`), constants.COPYFILE_FICLONE)
  rmSync(to, { recursive: true, force: true })
  renameSync(draft, to)
  removeOldest(copies)
  return to
}

/** That this version opens it, once the copy is made. */
export async function noteVersion(storeFile: string, version: string): Promise<void> {
  if (lastVersion(storeFile) === version) return
  mkdirSync(dirname(storeFile), { recursive: true, mode: 0o700 })
  await replaceFile(versionFile(storeFile), `${version}\n`)
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
