/** What lies in the file, told by its first bytes: a tar as it is, or compressed once; then it is unpacked beside. */
import { fstatSync, readSync, writeSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { filter } from '../../exec/filter.ts'
import { type Range, readRange } from './bytes.ts'
import { Refused } from './refused.ts'

type Form = 'none' | 'gzip' | 'zstd' | 'xz' | 'bzip2' | 'squashfs'

/** Where an archive lies that is not read in order: of the nobody that reads, and empty. */
export interface Scratch {
  readonly fd: number
  readonly maxBytes: number
}

const magics: readonly (readonly [Form, Buffer])[] = [
  ['gzip', Buffer.from([0x1f, 0x8b])],
  ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd])],
  ['xz', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])],
  // What xz wrote before it had a form of its own.
  ['xz', Buffer.from([0x5d, 0x00, 0x00])],
  ['bzip2', Buffer.from('BZh')],
  ['squashfs', Buffer.from('hsqs')],
]
const notTaken: readonly (readonly [string, string])[] = [
  ['QFI\u00fb', 'a disk image of a virtual machine: a template is a root file system'],
  ['PK\u0003\u0004', 'a zip archive: make a tar of it'],
]

const programs = {
  xz: { file: 'xz', args: ['--decompress', '--stdout', '--memlimit-decompress=512MiB'] },
  bzip2: { file: 'bzip2', args: ['--decompress', '--stdout'] },
  // By a name that leads to its stdin: it reads here and there. Its trees lie in memory.
  squashfs: { file: 'prlimit', args: [`--as=${1024 ** 3}`, '--', 'sqfs2tar', '/proc/self/fd/0'] },
} as const
const timeoutMs = 3600_000

export function formOf(range: Range): Form {
  const head = Buffer.alloc(8)
  readSync(range.fd, head, 0, Math.max(0, Math.min(8, range.to - range.from)), range.from)
  const found = magics.find(([, magic]) => head.subarray(0, magic.length).equals(magic))
  if (found) return found[0]
  const other = notTaken.find(([magic]) => head.toString('latin1').startsWith(magic))
  if (other) throw new Refused(`this is ${other[1]}`)
  return 'none'
}

/** The content without its compression. An error of the decompressor is a refusal. */
export function decompressed(range: Range): AsyncIterable<Buffer> {
  const form = formOf(range)
  if (form === 'squashfs') throw new Refused('a squashfs lies where a tar must be')
  const source = readRange(range)
  if (form === 'none') return source
  if (form === 'xz' || form === 'bzip2') return through(form, source)
  return refusing(source.pipe(form === 'gzip' ? createGunzip() : createZstdDecompress()), form)
}

/** The tar of a squashfs, which is not read in order: it is put aside first, unless it lies there. */
export async function* unsquashed(range: Range, scratch: Scratch): AsyncGenerator<Buffer> {
  if (range.fd === scratch.fd && range.from > 0) throw new Refused('a squashfs lies in an archive that is compressed')
  if (range.fd !== scratch.fd) await putAside(readRange(range), scratch)
  yield* through('squashfs', scratch.fd)
}

/** The file itself when it is no compressed tar, else its content in the scratch file: image archives are not read in order. */
export async function openArchive(fd: number, scratch: Scratch): Promise<Range> {
  const whole: Range = { fd, from: 0, to: fstatSync(fd).size }
  const form = formOf(whole)
  if (form === 'none' || form === 'squashfs') return whole
  const inner: Range = { fd: scratch.fd, from: 0, to: await putAside(decompressed(whole), scratch) }
  const innerForm = formOf(inner)
  if (innerForm !== 'none' && innerForm !== 'squashfs') throw new Refused('the archive is compressed twice')
  return inner
}

async function putAside(source: AsyncIterable<Buffer>, { fd, maxBytes }: Scratch): Promise<number> {
  let written = 0
  for await (const chunk of source) {
    written += chunk.length
    if (written > maxBytes) throw new Refused(`the archive unpacks to more than ${maxBytes} bytes`)
    for (let done = 0; done < chunk.length; ) done += writeSync(fd, chunk, done)
  }
  return written
}

async function* refusing(stream: Readable, form: Form): AsyncGenerator<Buffer> {
  try {
    yield* stream as AsyncIterable<Buffer>
  } catch {
    throw doesNotUnpack(form)
  }
}

async function* through(form: keyof typeof programs, source: Readable | number): AsyncGenerator<Buffer> {
  const { output, ended } = filter({ ...programs[form], timeoutMs }, source)
  yield* output as AsyncIterable<Buffer>
  if ((await ended) !== 0) throw doesNotUnpack(form)
}

const doesNotUnpack = (form: Form): Refused =>
  new Refused(`the archive is damaged or truncated: its ${form} does not unpack`)
