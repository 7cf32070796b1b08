/** Small files of ours: whole or absent, mode 0600. */
import { chmod, chown, lstat, open, readFile, rename, rm } from 'node:fs/promises'

const isGone = (thrown: unknown): boolean => (thrown as NodeJS.ErrnoException).code === 'ENOENT'

/** True only when the kernel says so; below what is no folder there is nothing. */
export async function absent(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return false
  } catch (thrown) {
    if (isGone(thrown) || (thrown as NodeJS.ErrnoException).code === 'ENOTDIR') return true
    throw thrown
  }
}

/** The value, null when it is no JSON, undefined when the file is not there. */
export async function readJson(path: string): Promise<unknown> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (thrown) {
    if (isGone(thrown)) return undefined
    throw thrown
  }
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** Written aside, made durable, then renamed. Callers do not write one path twice at a time. */
export const writeJson = (path: string, value: unknown): Promise<void> => replaceJson(path, value, true)

/** The same without waiting for the disk: a power cut in the next seconds may leave the file empty. */
export const writeJsonSoon = (path: string, value: unknown): Promise<void> => replaceJson(path, value, false)

async function replaceJson(path: string, value: unknown, durable: boolean): Promise<void> {
  const aside = `${path}.new`
  await rm(aside, { force: true })
  const file = await open(aside, 'wx', 0o600)
  try {
    await file.writeFile(`${JSON.stringify(value)}\n`)
    if (durable) await file.datasync()
  } finally {
    await file.close()
  }
  await rename(aside, path)
}

/** Of a folder that nobody else has seen yet. */
export async function giveTo(path: string, uid: number): Promise<void> {
  await chown(path, uid, uid)
  await chmod(path, 0o750)
}
