/** Headers of a tar archive, in the old GNU form that every tar reads. Pure: values in, bytes out. Names are bytes, as latin1. */

export interface NewEntry {
  readonly name: string
  readonly kind: 'file' | 'folder' | 'link'
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtimeMs: number
  /** Of a file: exactly so many bytes follow, then `padding(size)`. */
  readonly size: number
  /** Of a link. */
  readonly target?: string
}

const block = 512
const types = { file: '0', folder: '5', link: '2' } as const

/** Two empty blocks: the end. */
export const tarEnd = (): Buffer => Buffer.alloc(2 * block)
export const padding = (size: number): Buffer => Buffer.alloc((block - (size % block)) % block)

export function tarHeader(entry: NewEntry): Buffer {
  const name = entry.kind === 'folder' ? `${entry.name}/` : entry.name
  const target = entry.target ?? ''
  return Buffer.concat([
    ...(name.length > 100 ? [long('L', name)] : []),
    ...(target.length > 100 ? [long('K', target)] : []),
    plain({ ...entry, name, target }, types[entry.kind]),
  ])
}

/** A name that does not fit is the body of an entry before its own. */
function long(type: 'L' | 'K', text: string): Buffer {
  const body = Buffer.from(`${text}\0`, 'latin1')
  const about = { name: '././@LongLink', mode: 0, uid: 0, gid: 0, mtimeMs: 0, size: body.length, target: '' }
  return Buffer.concat([plain(about, type), body, padding(body.length)])
}

function plain(entry: Omit<NewEntry, 'kind'>, type: string): Buffer {
  const header = Buffer.alloc(block)
  header.write(entry.name.slice(0, 100), 0, 'latin1')
  number(header, { at: 100, room: 8 }, entry.mode)
  number(header, { at: 108, room: 8 }, entry.uid)
  number(header, { at: 116, room: 8 }, entry.gid)
  number(header, { at: 124, room: 12 }, entry.size)
  number(header, { at: 136, room: 12 }, Math.max(0, Math.floor(entry.mtimeMs / 1000)))
  header.write(type, 156, 'latin1')
  header.write((entry.target ?? '').slice(0, 100), 157, 'latin1')
  header.write('ustar  \0', 257, 'latin1')
  header.fill(' ', 148, 156)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return header
}

/** Octal, or, what does not fit that, as bytes behind a mark. */
function number(header: Buffer, { at, room }: { at: number; room: number }, value: number): void {
  const octal = value.toString(8)
  if (octal.length < room) {
    header.write(`${octal.padStart(room - 1, '0')}\0`, at, 'latin1')
    return
  }
  header[at] = 0x80
  header.writeBigUInt64BE(BigInt(value), at + room - 8)
}
