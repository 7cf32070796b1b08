/** What lies in the file, told by its first bytes: a tar as it is, or compressed once; then it is unpacked beside. */
import { fstatSync, readSync, writeSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { filter } from '../../exec/filter.ts'
import { type Range, readRange } from './bytes.ts'
import { Refused } from './refused.ts'

type Compression = 'none' | 'gzip' | 'zstd' | 'xz'

const magics: readonly (readonly [Compression, Buffer])[] = [
  ['gzip', Buffer.from([0x1f, 0x8b])],
  ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd])],
  ['xz', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])],
]
const notTaken: readonly (readonly [string, string])[] = [
  ['hsqs', 'a squashfs image: unsquashfs it and make a tar of that'],
  ['QFI\u00fb', 'a disk image of a virtual machine: a template is a root file system'],
  ['PK\u0003\u0004', 'a zip archive: make a tar of it'],
  ['BZh', 'compressed with bzip2: take gzip, xz or zstd'],
]

const xzWords = ['--decompress', '--stdout', '--memlimit-decompress=512MiB'] as const

export function compressionOf(range: Range): Compression {
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
  const compression = compressionOf(range)
  const source = readRange(range)
  if (compression === 'none') return source
  if (compression === 'xz') return throughXz(source)
  return refusing(source.pipe(compression === 'gzip' ? createGunzip() : createZstdDecompress()), compression)
}

/** The file itself when it is a plain tar, else its content in the scratch file: image archives are not read in order. */
export async function openArchive(fd: number, scratch: number, maxBytes: number): Promise<Range> {
  const whole: Range = { fd, from: 0, to: fstatSync(fd).size }
  if (compressionOf(whole) === 'none') return whole
  let written = 0
  for await (const chunk of decompressed(whole)) {
    written += chunk.length
    if (written > maxBytes) throw new Refused(`the archive unpacks to more than ${maxBytes} bytes`)
    for (let done = 0; done < chunk.length; ) done += writeSync(scratch, chunk, done)
  }
  const inner: Range = { fd: scratch, from: 0, to: written }
  if (compressionOf(inner) !== 'none') throw new Refused('the archive is compressed twice')
  return inner
}

async function* refusing(stream: Readable, compression: string): AsyncGenerator<Buffer> {
  try {
    yield* stream as AsyncIterable<Buffer>
  } catch {
    throw new Refused(`the archive is damaged or truncated: its ${compression} does not unpack`)
  }
}

async function* throughXz(source: Readable): AsyncGenerator<Buffer> {
  const { output, ended } = filter({ file: 'xz', args: [...xzWords], timeoutMs: 3600_000 }, source)
  yield* output as AsyncIterable<Buffer>
  if ((await ended) !== 0) throw new Refused('the archive is damaged or truncated: its xz does not unpack')
}
