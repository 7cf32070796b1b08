/** Files of the edge: the old one or the new one, whole, for root alone. */
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** What a file held before; undefined when there was none. */
export type Before = ReadonlyMap<string, string | undefined>

export const folders = ['maps', 'lists', 'certs', 'pages'] as const

/** In order, the last one last. What says so already is left alone. Returns what the changed ones were. */
export async function writeAll(
  folder: string,
  files: ReadonlyMap<string, string>,
  { durable = true }: { readonly durable?: boolean } = {},
): Promise<Before> {
  for (const name of folders) await mkdir(join(folder, name), { recursive: true, mode: 0o700 })
  const before = new Map<string, string | undefined>()
  for (const [name, text] of files) {
    const old = await readText(join(folder, name))
    if (old === text) continue
    before.set(name, old)
    await replace(join(folder, name), text, durable)
  }
  return before
}

/** As it was before `writeAll`. */
export async function putBack(folder: string, before: Before): Promise<void> {
  for (const [name, text] of before) {
    if (text === undefined) await rm(join(folder, name), { force: true })
    else await replace(join(folder, name), text)
  }
}

/** What no configuration names any more. */
export async function sweep(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  for (const name of folders)
    for (const file of await readdir(join(folder, name)))
      if (!files.has(`${name}/${file}`)) await rm(join(folder, name, file), { force: true })
}

/** Undefined when there is none. */
export async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw thrown
  }
}

async function replace(file: string, text: string, durable = true): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const handle = await open(`${file}.new`, 'w', 0o600)
  try {
    await handle.writeFile(text)
    if (durable) await handle.datasync()
  } finally {
    await handle.close()
  }
  await rename(`${file}.new`, file)
}
