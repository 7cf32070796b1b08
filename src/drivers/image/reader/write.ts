/**
 * Writes tar: always the same bytes for the same entries. Names are bytes: long ones go the GNU way, which no
 * locale touches.
 */
import { padding, type TarEntry } from './tar.ts'

const types = { file: '0', link: '1', symlink: '2', dir: '5', fifo: '6', device: '3' } as const

export function tarHeader(entry: TarEntry): Buffer {
  const path = entry.kind === 'dir' ? `${entry.path}/` : entry.path
  return Buffer.concat([
    ...(path.length > 100 ? extra('L', `${path}\0`) : []),
    ...(entry.target.length > 100 ? extra('K', `${entry.target}\0`) : []),
    ...(entry.capability === undefined
      ? []
      : extra('x', paxRecord(['SCHILY.xattr.security.capability', entry.capability]))),
    block({ ...entry, path }, types[entry.kind]),
  ])
}

function extra(type: string, text: string): Buffer[] {
  const body = Buffer.from(text, 'latin1')
  const about = { path: '././@LongLink', target: '', mode: 0o644, uid: 0, gid: 0, mtime: 0, size: body.length }
  return [block(about, type), body, Buffer.alloc(padding(body.length))]
}

/** The end of an archive. */
export const tarEnd = (): Buffer => Buffer.alloc(1024)

function paxRecord([key, value]: readonly [string, string]): string {
  const rest = ` ${key}=${value}\n`
  let length = rest.length
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length
  return `${length}${rest}`
}

function block(entry: Pick<TarEntry, 'path' | 'mode' | 'uid' | 'gid' | 'size' | 'mtime' | 'target'>, type: string) {
  const head = Buffer.alloc(512)
  head.write(entry.path.slice(0, 100), 0, 'latin1')
  octal(head, entry.mode, 100, 8)
  octal(head, entry.uid, 108, 8)
  octal(head, entry.gid, 116, 8)
  if (entry.size < 8 ** 11) octal(head, entry.size, 124, 12)
  else {
    head[124] = 0x80
    head.writeUIntBE(entry.size, 130, 6)
  }
  octal(head, Math.min(entry.mtime, 8 ** 11 - 1), 136, 12)
  head.fill(' ', 148, 156)
  head.write(type, 156, 'latin1')
  head.write(entry.target.slice(0, 100), 157, 'latin1')
  head.write('ustar\u000000', 257, 'latin1')
  octal(
    head,
    head.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  )
  return head
}

const octal = (head: Buffer, value: number, at: number, length: number): number =>
  head.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1')
