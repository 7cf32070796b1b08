/** Reads tar: ustar, GNU long names, pax. What it does not know it refuses; names travel as latin1 text, byte for byte. */
import type { Bytes } from './bytes.ts'
import { Refused, shown } from './refused.ts'
import { assertMap, filled, readOldMap, readPaxMap, type Sparse } from './sparse.ts'

export type EntryKind = 'file' | 'dir' | 'symlink' | 'link' | 'fifo' | 'device'

export interface TarEntry {
  readonly path: string
  readonly kind: EntryKind
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtime: number
  readonly size: number
  /** Of links. */
  readonly target: string
  /** File capabilities, the one extended attribute that is kept. */
  readonly capability: string | undefined
  /** Its content does not lie in the archive as it is. */
  readonly hasHoles?: boolean
}

const blockBytes = 512
/** Of one pax header or long name. */
const maxHeaderBytes = 1024 * 1024
const kinds: Readonly<Record<string, EntryKind>> = {
  '\0': 'file',
  '0': 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'device',
  '4': 'device',
  '5': 'dir',
  '6': 'fifo',
  '7': 'file',
  S: 'file',
}

/** Whoever takes an entry reads its content, all or nothing of it, before asking for the next. */
export async function* readTar(bytes: Bytes): AsyncGenerator<TarEntry> {
  const everywhere = new Map<string, string>()
  let pax = new Map<string, string>()
  let longName: string | undefined
  let longTarget: string | undefined
  for (;;) {
    const head = await bytes.read(blockBytes)
    if (head.every((byte) => byte === 0)) return
    assertChecksum(head)
    const type = String.fromCharCode(head[156] ?? 0)
    const size = sizeOf(head)
    if (type === 'x' || type === 'g') {
      const records = parsePax(await content(bytes, size))
      if (type === 'x') pax = records
      else for (const [key, value] of records) everywhere.set(key, value)
    } else if (type === 'L') longName = untilZero(await content(bytes, size))
    else if (type === 'K') longTarget = untilZero(await content(bytes, size))
    else {
      const said = { longName, longTarget, pax: new Map([...everywhere, ...pax]) }
      pax = new Map()
      longName = undefined
      longTarget = undefined
      const stored = entryOf(head, type, said)
      const sparse = await sparseOf(head, type, { stored, pax: said.pax, bytes })
      const entry = sparse ? { ...stored, path: sparse.path, size: sparse.size, hasHoles: true } : stored
      const left = stored.size - (sparse?.mapBytes ?? 0)
      const taken = new Counted(bytes, sparse)
      current.set(entry, taken)
      yield entry
      if (!taken.used) await bytes.skip(left)
      await bytes.skip(padding(stored.size))
    }
  }
}

/** The content of the entry that was yielded last. */
export function contentOf(entry: TarEntry): AsyncGenerator<Buffer> {
  const counted = current.get(entry)
  if (!counted) throw new Error('this entry has been passed')
  return counted.pieces(entry.size)
}

const current = new WeakMap<TarEntry, Counted>()

class Counted {
  used = false
  private readonly bytes: Bytes
  private readonly sparse: Sparse | undefined

  constructor(bytes: Bytes, sparse: Sparse | undefined) {
    this.bytes = bytes
    this.sparse = sparse
  }

  pieces(count: number): AsyncGenerator<Buffer> {
    this.used = true
    return this.sparse ? filled(this.sparse, this.bytes) : this.bytes.pieces(count)
  }
}

interface Holed extends Sparse {
  readonly path: string
  readonly mapBytes: number
}

async function sparseOf(
  head: Buffer,
  type: string,
  { stored, pax, bytes }: { stored: TarEntry; pax: Said['pax']; bytes: Bytes },
): Promise<Holed | undefined> {
  const says = [...pax.keys()].some((key) => key.startsWith('GNU.sparse'))
  if (type !== 'S' && !says) return undefined
  const path = pax.get('GNU.sparse.name') ?? stored.path
  const isNew = pax.get('GNU.sparse.major') === '1' && pax.get('GNU.sparse.minor') === '0'
  if (stored.kind !== 'file' || (type === 'S') === says || (says && !isNew)) throw unknownKind(path, type)
  const sparse = says
    ? await readPaxMap(bytes, { size: paxNumber(pax, 'GNU.sparse.realsize') ?? Number.NaN, stored: stored.size, path })
    : { ...(await readOldMap(head, bytes, path)), mapBytes: 0 }
  assertMap(sparse, stored.size - sparse.mapBytes, path)
  return { ...sparse, path }
}

const unknownKind = (path: string, type: string): Refused =>
  new Refused(`${shown(path)} is of a kind that is not known (${shown(type)})`)

export const padding = (size: number): number => (blockBytes - (size % blockBytes)) % blockBytes

async function content(bytes: Bytes, size: number): Promise<Buffer> {
  if (size > maxHeaderBytes) throw new Refused('a header of the archive is too large')
  const body = Buffer.from(await bytes.read(size))
  await bytes.skip(padding(size))
  return body
}

interface Said {
  readonly longName: string | undefined
  readonly longTarget: string | undefined
  readonly pax: ReadonlyMap<string, string>
}

function entryOf(head: Buffer, type: string, { longName, longTarget, pax }: Said): TarEntry {
  const prefix = head.toString('latin1', 257, 262) === 'ustar' && head[262] === 0 ? textAt(head, 345, 155) : ''
  const short = textAt(head, 0, 100)
  const path = pax.get('path') ?? longName ?? (prefix === '' ? short : `${prefix}/${short}`)
  const kind = kinds[type]
  if (kind === undefined) throw unknownKind(path, type)
  // Old archives mark a folder by its name alone.
  const isFolder = kind === 'dir' || (kind === 'file' && type !== '7' && type !== 'S' && path.endsWith('/'))
  const size = paxNumber(pax, 'size') ?? sizeOf(head)
  if (size > 0 && !(kind === 'file' && !isFolder)) throw new Refused(`${shown(path)} has a content that it cannot have`)
  return {
    path,
    kind: isFolder ? 'dir' : kind,
    mode: numberAt(head, 100, 8) & 0o7777,
    uid: idOf(paxNumber(pax, 'uid') ?? numberAt(head, 108, 8), path),
    gid: idOf(paxNumber(pax, 'gid') ?? numberAt(head, 116, 8), path),
    mtime: Math.max(0, paxNumber(pax, 'mtime') ?? numberAt(head, 136, 12)),
    size,
    target: pax.get('linkpath') ?? longTarget ?? textAt(head, 157, 100),
    capability: pax.get('SCHILY.xattr.security.capability'),
  }
}

function idOf(id: number, path: string): number {
  if (Number.isInteger(id) && id >= 0 && id < 65536) return id
  throw new Refused(`${shown(path)} belongs to ${id}, and a guest has the ids 0 to 65535`)
}

function assertChecksum(head: Buffer): void {
  let sum = 0
  for (const [index, byte] of head.entries()) sum += index >= 148 && index < 156 ? 32 : byte
  if (sum !== numberAt(head, 148, 8)) throw new Refused('this is no tar archive, or it is damaged')
}

const untilZero = (bytes: Buffer): string => bytes.toString('latin1').replace(/\0[\s\S]*$/, '')
const textAt = (head: Buffer, at: number, length: number): string => untilZero(head.subarray(at, at + length))

function sizeOf(head: Buffer): number {
  const size = numberAt(head, 124, 12)
  if (size < 0) throw new Refused('this is no tar archive, or it is damaged')
  return size
}

/** Octal text, or with the highest bit set a big-endian number, whose next bit is its sign. */
function numberAt(head: Buffer, at: number, length: number): number {
  const field = head.subarray(at, at + length)
  if (((field[0] ?? 0) & 0x80) === 0) {
    const text = untilZero(field).trim()
    if (!/^[0-7]*$/.test(text)) throw new Refused('this is no tar archive, or it is damaged')
    return text === '' ? 0 : Number.parseInt(text, 8)
  }
  const [first = 0] = field
  const number = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, first & 0x40 ? first - 0x100 : first & 0x3f)
  if (!Number.isSafeInteger(number)) throw new Refused('a number of the archive is too large')
  return number
}

/** `LENGTH KEY=VALUE\n`, one after another. */
function parsePax(bytes: Buffer): Map<string, string> {
  const text = bytes.toString('latin1')
  const records = new Map<string, string>()
  for (let at = 0; at < text.length; ) {
    const length = Number(/^\d{1,7}(?= )/.exec(text.slice(at, at + 8))?.[0] ?? Number.NaN)
    const record = text.slice(at, at + length)
    const match = /^\d+ ([^=]+)=([\s\S]*)\n$/.exec(record)
    if (!match || record.length !== length) throw new Refused('a header of the archive is damaged')
    records.set(match[1] ?? '', match[2] ?? '')
    at += length
  }
  return records
}

function paxNumber(pax: ReadonlyMap<string, string>, key: string): number | undefined {
  const text = pax.get(key)
  if (text === undefined) return undefined
  const number = Math.floor(Number(text))
  if (!/^-?\d+(\.\d*)?$/.test(text) || !Number.isSafeInteger(number) || (key !== 'mtime' && number < 0))
    throw new Refused('a header of the archive is damaged')
  return number
}
