/**
 * Puts a hostile archive on the host's disk: only below the one place that was asked for, never through a link, nothing but
 * files, folders and links that stay inside. Links come last, so that none is there while anything is written.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  futimesSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  type Stats,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { CroftError } from '../../api/errors.ts'
import type { TarEntry, TarSink } from './tar-read.ts'

export interface UnpackOptions {
  /** What the topmost entry must be called, and where that goes on the host; bytes as latin1. */
  readonly name: string
  readonly to: string
  /** No more bytes than these. */
  readonly maxBytes?: number | undefined
  readonly onBytes?: (count: number) => void
}

export interface LeftOut {
  readonly path: string
  readonly why: string
}

/** A name and a few blocks are not free either. */
const entryCost = 512
const newFile = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
const plainMode = 0o777

export class Unpacker implements TarSink {
  readonly leftOut: LeftOut[] = []
  files = 0
  bytes = 0
  readonly #options: UnpackOptions
  readonly #folders = new Map<string, TarEntry | undefined>()
  readonly #made = new Set<string>()
  readonly #links: { readonly path: string; readonly target: string }[] = []
  #spent = 0
  #open: { readonly fd: number; readonly entry: TarEntry } | undefined

  constructor(options: UnpackOptions) {
    this.#options = options
  }

  entry(entry: TarEntry): void {
    this.#count(entryCost)
    const path = this.#pathOf(entry.name)
    if (entry.kind === 'folder') this.#folder(path, entry)
    else if (entry.kind === 'file') this.#file(path, entry)
    else if (entry.kind === 'hardlink') this.#hardlink(path, entry)
    else if (entry.kind === 'other') this.#leave(path, 'neither file, folder nor link')
    else if (staysInside(path, entry.target)) this.#links.push({ path, target: entry.target })
    else this.#leave(path, `a link that leads out, to ${entry.target}`)
  }

  data(bytes: Buffer): void {
    this.#count(bytes.length)
    if (!this.#open) return
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#open.fd, bytes, at)
    this.bytes += bytes.length
    this.#options.onBytes?.(bytes.length)
  }

  fileEnd(): void {
    if (!this.#open) return
    const { fd, entry } = this.#open
    fchmodSync(fd, entry.mode & plainMode)
    futimesSync(fd, entry.mtimeMs / 1000, entry.mtimeMs / 1000)
    closeSync(fd)
    this.#open = undefined
    this.files += 1
  }

  /** The links, then the modes of folders: until now each could be written. */
  finish(): void {
    for (const { path, target } of this.#links) {
      if (!this.#makeRoom(path)) continue
      symlinkSync(bytesOf(target), this.#onDisk(path))
      this.files += 1
    }
    for (const [path, entry] of [...this.#folders].reverse()) if (entry) settleFolder(this.#onDisk(path), entry)
  }

  /** After a failure: no descriptor stays open. */
  close(): void {
    if (this.#open) closeSync(this.#open.fd)
    this.#open = undefined
  }

  #count(bytes: number): void {
    const { maxBytes } = this.#options
    this.#spent += bytes
    if (maxBytes === undefined || this.#spent <= maxBytes) return
    throw new CroftError('LIMIT_REACHED', 'it is more than --max allows', { hint: 'a larger --max' })
  }

  /** Below the topmost entry; '' is that itself. What was not asked for is no slip but an attack: all ends. */
  #pathOf(name: string): string {
    const parts = name
      .replace(/^(\.\/+)+/, '')
      .replace(/\/+$/, '')
      .split('/')
    const [top, ...rest] = parts
    const bad = rest.some((part) => part === '' || part === '.' || part === '..')
    if (top === this.#options.name && !bad) return rest.join('/')
    throw new CroftError('REFUSED', `the guest sent "${name}", which was not asked for; nothing more is taken from it`)
  }

  #onDisk(path: string): Buffer {
    return bytesOf(path === '' ? this.#options.to : `${this.#options.to}/${path}`)
  }

  #leave(path: string, why: string): void {
    this.leftOut.push({ path: path === '' ? this.#options.name : path, why })
  }

  #folder(path: string, entry: TarEntry): void {
    if (!this.#parents(path)) return
    const there = lstatMaybe(this.#onDisk(path))
    if (there && !there.isDirectory()) {
      this.#leave(path, 'something else is there')
      return
    }
    if (!there) mkdirSync(this.#onDisk(path), { mode: 0o700 })
    this.#folders.set(path, there ? undefined : entry)
  }

  #file(path: string, entry: TarEntry): void {
    if (!this.#makeRoom(path)) return
    this.#open = { fd: openSync(this.#onDisk(path), newFile, 0o600), entry }
    this.#made.add(path)
  }

  /** To a file that came in this archive only. */
  #hardlink(path: string, entry: TarEntry): void {
    const target = this.#pathOf(entry.target)
    if (!this.#made.has(target)) this.#leave(path, 'a second name of what did not come')
    else if (path !== target && this.#makeRoom(path)) {
      linkSync(this.#onDisk(target), this.#onDisk(path))
      this.files += 1
    }
  }

  /** True when nothing is there any more, in a folder that is one. */
  #makeRoom(path: string): boolean {
    if (!this.#parents(path)) return false
    const there = lstatMaybe(this.#onDisk(path))
    if (there?.isDirectory()) {
      this.#leave(path, 'a folder is there')
      return false
    }
    if (there) unlinkSync(this.#onDisk(path))
    this.#made.delete(path)
    return true
  }

  /** Each folder on the way is a folder, not a link to one. An archive names it before what is in it. */
  #parents(path: string): boolean {
    const parts = path === '' ? [] : path.split('/')
    for (let depth = 0; depth < parts.length; depth++) {
      const folder = parts.slice(0, depth).join('/')
      if (this.#folders.has(folder)) continue
      if (!lstatMaybe(this.#onDisk(folder))?.isDirectory()) {
        this.#leave(path, `"${folder}" is no folder here`)
        return false
      }
      this.#folders.set(folder, undefined)
    }
    return true
  }
}

/**
 * Up only at its beginning, and not above the top; then down by names. A name may be a link as well, but one that stays
 * inside too: no `..` behind a name can use it to climb.
 */
export function staysInside(path: string, target: string): boolean {
  if (target === '' || target.startsWith('/')) return false
  const parts = target.split('/').filter((part) => part !== '' && part !== '.')
  const down = parts.findIndex((part) => part !== '..')
  const ups = down < 0 ? parts.length : down
  return parts.slice(ups).every((part) => part !== '..') && ups <= path.split('/').length - 1 && path !== ''
}

function settleFolder(path: Buffer, entry: TarEntry): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  try {
    fchmodSync(fd, entry.mode & plainMode)
    futimesSync(fd, entry.mtimeMs / 1000, entry.mtimeMs / 1000)
  } finally {
    closeSync(fd)
  }
}

export const bytesOf = (latin1: string): Buffer => Buffer.from(latin1, 'latin1')

export function lstatMaybe(path: Buffer | string): Stats | undefined {
  try {
    return lstatSync(path)
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw thrown
  }
}
