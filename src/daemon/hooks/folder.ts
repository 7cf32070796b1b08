/** Which executables are hooks, and which are refused: what runs as root must be root's alone. */
import type { Stats } from 'node:fs'
import { lstat, open, readdir, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { headBytes, type Wanted, wantedIn } from './head.ts'

export interface Hook {
  readonly name: string
  /** Events that it names; all when absent. */
  readonly on?: readonly string[]
}

export interface HooksFound {
  /** By name, in order. */
  readonly hooks: readonly Hook[]
  readonly refused: readonly { readonly path: string; readonly why: string }[]
}

/** As run-parts has it: what packages and editors leave behind has a dot or a tilde. */
const hookName = /^[A-Za-z0-9][A-Za-z0-9_-]{0,60}$/

/** Of the whole folder, or of one name in it. */
export async function findHooks(folder: string, only?: string): Promise<HooksFound> {
  const found = await orUndefined(readdir(folder))
  const names = only === undefined ? found : found?.filter((name) => name === only)
  if (!names || names.length === 0) return { hooks: [], refused: [] }
  const unsafe = await unsafeFolder(await realpath(folder))
  if (unsafe) return { hooks: [], refused: [unsafe] }
  const hooks: Hook[] = []
  const refused: { path: string; why: string }[] = []
  for (const name of names.sort()) {
    const path = join(folder, name)
    const why = await judgeHook(path, name)
    if (why === 'none') continue
    const { on, wrong = why } = why === undefined ? await readWanted(path) : {}
    if (wrong !== undefined) refused.push({ path, why: wrong })
    else hooks.push({ name, ...(on === undefined ? {} : { on }) })
  }
  return { hooks, refused }
}

/** Undefined: it may run. 'none': it is not meant to be a hook, or is switched off. */
async function judgeHook(path: string, name: string): Promise<string | 'none' | undefined> {
  const file = await orUndefined(lstat(path))
  if (!file || !hookName.test(name)) return 'none'
  if (file.isSymbolicLink()) return 'is a symbolic link'
  if (!file.isFile() || (file.mode & 0o100) === 0) return 'none'
  return judgeOwner(file)
}

/** Of a file that is root's alone. One that goes meanwhile is found gone when it is to run. */
async function readWanted(path: string): Promise<Wanted> {
  await using file = await orUndefined(open(path))
  if (!file) return {}
  const { buffer, bytesRead } = await file.read(Buffer.alloc(headBytes), 0, headBytes, 0)
  return wantedIn(buffer.toString('latin1', 0, bytesRead))
}

/** Every folder above can be used to put another file there. A sticky one, like /tmp, only by who owns what is in it. */
async function unsafeFolder(folder: string): Promise<HooksFound['refused'][number] | undefined> {
  for (let path = folder; ; path = dirname(path)) {
    const stats = await lstat(path)
    const sticky = path !== folder && (stats.mode & 0o1000) !== 0
    const why = sticky ? undefined : judgeOwner(stats)
    if (why !== undefined) return { path, why }
    if (path === dirname(path)) return undefined
  }
}

export function judgeOwner({ uid, mode }: Pick<Stats, 'uid' | 'mode'>): string | undefined {
  if (uid !== 0) return `belongs to user ${uid}, not to root`
  if ((mode & 0o022) !== 0) return 'may be written by others than root'
  return undefined
}

async function orUndefined<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (thrown) {
    if (['ENOENT', 'ENOTDIR'].includes(String((thrown as NodeJS.ErrnoException).code))) return undefined
    throw thrown
  }
}
