/** Files of the host that others write too: replaced whole or not at all, with the mode and owner they had. */
import { chmod, chown, lstat, mkdir, open, readFile, realpath, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

export async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw thrown
  }
}

/** `mode` is for a file that is not there yet. A symlink stays one: what it points to is replaced. */
export async function replaceFile(path: string, text: string, mode = 0o644): Promise<void> {
  const target = await realpath(path).catch(() => path)
  const found = await lstat(target).catch(() => undefined)
  await mkdir(dirname(target), { recursive: true, mode: 0o755 })
  const aside = `${target}.croft-new`
  await rm(aside, { force: true })
  const file = await open(aside, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.datasync()
  } finally {
    await file.close()
  }
  if (found) await chown(aside, found.uid, found.gid)
  await chmod(aside, found ? found.mode & 0o7777 : mode)
  await rename(aside, target)
}

/** The line at the end; other content stays as it is, byte for byte. */
export async function addLine(path: string, line: string): Promise<void> {
  const text = (await readText(path)) ?? ''
  await replaceFile(path, `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${line}\n`)
}

/** The last such line; false when there was none. */
export async function removeLine(path: string, line: string): Promise<boolean> {
  const lines = ((await readText(path)) ?? '').split('\n')
  const at = lines.lastIndexOf(line)
  if (at < 0) return false
  await replaceFile(path, lines.toSpliced(at, 1).join('\n'))
  return true
}
