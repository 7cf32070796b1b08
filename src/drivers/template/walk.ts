/** Every entry below a root, by lstat, nothing followed. Names are bytes: they travel as latin1 text. */
import type { Stats } from 'node:fs'
import { lstat, readdir, readlink } from 'node:fs/promises'

export interface Entry {
  /** Relative, latin1. */
  readonly path: string
  readonly stats: Stats
}

export const onDisk = (root: string, path: string): Buffer =>
  Buffer.concat([Buffer.from(root), Buffer.from(path === '' ? '' : `/${path}`, 'latin1')])

/** Sorted within each folder; a folder comes before what is in it. */
export async function* walk(root: string, path = ''): AsyncGenerator<Entry> {
  const names = (await readdir(onDisk(root, path), { encoding: 'latin1' })).sort()
  const entries = await Promise.all(
    names.map(async (name) => {
      const inner = path === '' ? name : `${path}/${name}`
      return { path: inner, stats: await lstat(onDisk(root, inner)) }
    }),
  )
  for (const entry of entries) {
    yield entry
    if (entry.stats.isDirectory()) yield* walk(root, entry.path)
  }
}

/** Follows links as a process chrooted there would: absolute ones start at the root, `..` stops at it. */
export async function resolveInside(root: string, path: string): Promise<string | undefined> {
  const ahead = path.split('/').reverse()
  const done: string[] = []
  for (let links = 0; ahead.length > 0; ) {
    const part = ahead.pop()
    if (part === undefined || part === '' || part === '.') continue
    if (part === '..') {
      done.pop()
      continue
    }
    const here = [...done, part].join('/')
    const stats = await lstatMaybe(onDisk(root, here))
    if (!stats) return undefined
    if (!stats.isSymbolicLink()) {
      done.push(part)
      continue
    }
    links += 1
    if (links > 40) return undefined
    const target = await readlink(onDisk(root, here), { encoding: 'latin1' })
    if (target.startsWith('/')) done.length = 0
    ahead.push(...target.split('/').reverse())
  }
  return done.join('/')
}

export async function lstatMaybe(path: Buffer | string): Promise<Stats | undefined> {
  try {
    return await lstat(path)
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw thrown
  }
}
