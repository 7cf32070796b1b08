/** Reads a tar archive as it comes. Pure: bytes in, entries out. Who wrote it may lie; what cannot be so is refused. */
import { CroftError } from '../../api/errors.ts'

export interface TarEntry {
  /** As it stands there, bytes as latin1. */
  readonly name: string
  readonly kind: 'file' | 'folder' | 'link' | 'hardlink' | 'other'
  readonly mode: number
  readonly mtimeMs: number
  readonly size: number
  /** Of a link. */
  readonly target: string
}

export interface TarSink {
  entry(entry: TarEntry): void
  /** A piece of the file that was told last. */
  data(bytes: Buffer): void
  /** That file is whole. */
  fileEnd(): void
}

const block = 512
/** Longer than any path that a kernel takes. */
const longestName = 64 * 1024
const kinds: ReadonlyMap<string, TarEntry['kind']> = new Map([
  ['\0', 'file'],
  ['0', 'file'],
  ['7', 'file'],
  ['1', 'hardlink'],
  ['2', 'link'],
  ['5', 'folder'],
])

/** Of a file's time, in seconds; some file systems take no later one. */
const latest = 2 ** 32 - 1

/** Tars fill their last record with zeros. */
const mostBehind = 4 * 1024 ** 2

interface Meta {
  name?: string
  target?: string
  size?: number
}

export class TarReader {
  readonly #sink: TarSink
  #pending = Buffer.alloc(0)
  /** Bytes of a body still to come, and of the padding behind it. */
  #left = 0
  #pad = 0
  #body: 'file' | 'meta' | 'skipped' = 'skipped'
  #metaType = ''
  #meta: Buffer[] = []
  #next: Meta = {}
  #ended = false
  #behind = 0

  constructor(sink: TarSink) {
    this.#sink = sink
  }

  push(chunk: Buffer): void {
    let bytes = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
    this.#pending = Buffer.alloc(0)
    while (bytes.length > 0) {
      if (this.#ended) {
        this.#behind += bytes.length
        if (this.#behind > mostBehind) throw broken('it does not end')
        return
      }
      if (this.#left > 0) bytes = this.#take(bytes)
      else if (this.#pad > 0) {
        const skipped = Math.min(this.#pad, bytes.length)
        this.#pad -= skipped
        bytes = bytes.subarray(skipped)
      } else if (bytes.length < block) {
        this.#pending = Buffer.from(bytes)
        return
      } else {
        this.#header(bytes.subarray(0, block))
        bytes = bytes.subarray(block)
      }
    }
  }

  /** Throws when the archive is cut off. */
  end(): void {
    if (!this.#ended) throw broken('it ends in the middle')
  }

  #take(bytes: Buffer): Buffer {
    const part = bytes.subarray(0, this.#left)
    this.#left -= part.length
    if (this.#body === 'file') this.#sink.data(part)
    if (this.#body === 'meta') this.#meta.push(Buffer.from(part))
    if (this.#left === 0) this.#bodyEnd()
    return bytes.subarray(part.length)
  }

  #bodyEnd(): void {
    if (this.#body === 'file') this.#sink.fileEnd()
    if (this.#body === 'meta') this.#note(Buffer.concat(this.#meta))
  }

  #header(header: Buffer): void {
    if (header.every((byte) => byte === 0)) {
      this.#ended = true
      return
    }
    checkSum(header)
    const type = header.toString('latin1', 156, 157)
    const size = numberAt(header, 124, 12)
    if ('LKxg'.includes(type)) {
      this.#beginMeta(type, size)
      return
    }
    const next = this.#next
    this.#next = {}
    const entry: TarEntry = {
      name: next.name ?? ustarName(header),
      kind: kinds.get(type) ?? 'other',
      mode: numberAt(header, 100, 8) & 0o7777,
      mtimeMs: secondsAt(header, 136) * 1000,
      size: next.size ?? size,
      target: next.target ?? textAt(header, 157, 100),
    }
    const hasBody = entry.kind === 'file' || entry.kind === 'other'
    this.#sink.entry(entry)
    this.#begin(entry.kind === 'file' ? 'file' : 'skipped', hasBody ? entry.size : 0)
  }

  #beginMeta(type: string, size: number): void {
    if (size > longestName) throw broken('a name is too long')
    this.#metaType = type
    this.#meta = []
    this.#begin('meta', size)
  }

  #begin(body: 'file' | 'meta' | 'skipped', size: number): void {
    this.#body = body
    this.#left = size
    this.#pad = (block - (size % block)) % block
    if (size === 0) this.#bodyEnd()
  }

  #note(bytes: Buffer): void {
    if (this.#metaType === 'L') this.#next.name = beforeZero(bytes)
    if (this.#metaType === 'K') this.#next.target = beforeZero(bytes)
    if (this.#metaType === 'x') Object.assign(this.#next, paxOf(bytes))
  }
}

/** `25 path=some/long/name\n`, one after the other; the number counts the whole line. */
function paxOf(bytes: Buffer): Meta {
  const meta: Meta = {}
  for (let at = 0; at < bytes.length; ) {
    const blank = bytes.indexOf(0x20, at)
    const length = blank < 0 ? Number.NaN : Number(bytes.toString('latin1', at, blank))
    const line = bytes.toString('latin1', blank + 1, at + length - 1)
    const equals = line.indexOf('=')
    if (!Number.isInteger(length) || length <= blank - at || at + length > bytes.length || equals < 0) {
      throw broken('a name is malformed')
    }
    const [key, value] = [line.slice(0, equals), line.slice(equals + 1)]
    if (key === 'path') meta.name = value
    if (key === 'linkpath') meta.target = value
    if (key === 'size') meta.size = safe(Number(value))
    at += length
  }
  return meta
}

function ustarName(header: Buffer): string {
  const name = textAt(header, 0, 100)
  const prefix = header.toString('latin1', 257, 263) === 'ustar\0' ? textAt(header, 345, 155) : ''
  return prefix === '' ? name : `${prefix}/${name}`
}

function checkSum(header: Buffer): void {
  let sum = 0
  for (const [at, byte] of header.entries()) sum += at >= 148 && at < 156 ? 0x20 : byte
  if (sum !== numberAt(header, 148, 8)) throw broken('a header is damaged')
}

function numberAt(header: Buffer, at: number, room: number): number {
  if (((header[at] ?? 0) & 0x80) !== 0) return safe(Number(header.readBigUInt64BE(at + room - 8)))
  const text = header
    .toString('latin1', at, at + room)
    .replace(/\0.*$/s, '')
    .trim()
  if (!/^[0-7]*$/.test(text)) throw broken('a number is malformed')
  return safe(Number.parseInt(text || '0', 8))
}

/** Since 1970. What was before, or is after all that a date can be, becomes the nearest that can be written. */
function secondsAt(header: Buffer, at: number): number {
  const isBinary = ((header[at] ?? 0) & 0x80) !== 0
  const seconds = isBinary ? Number(header.readBigInt64BE(at + 4)) : numberAt(header, at, 12)
  return Math.min(Math.max(seconds, 0), latest)
}

function safe(value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw broken('a number is out of range')
}

const beforeZero = (bytes: Buffer): string => bytes.toString('latin1').replace(/\0.*$/s, '')
const textAt = (header: Buffer, at: number, room: number): string => beforeZero(header.subarray(at, at + room))

const broken = (why: string): CroftError =>
  new CroftError('FAILED', `what came out of the guest is no good archive: ${why}`)
