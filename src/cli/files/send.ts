/** Files and folders of the host as a tar stream. They are the caller's own; links are sent as links. */
import { closeSync, constants, fstatSync, lstatSync, openSync, read, readSync, type Stats } from 'node:fs'
import { readdir, readlink, stat } from 'node:fs/promises'
import { CroftError } from '../../api/errors.ts'
import { type NewEntry, padding, tarEnd, tarHeader } from './tar-write.ts'
import { bytesOf } from './unpack.ts'

export interface Sent {
  /** On the host, bytes as latin1; followed when it is a link. */
  readonly from: string
  /** What it is called in the archive. */
  readonly name: string
  /** It is sent as a link, when it is one. */
  readonly asLink?: boolean
}

export interface SendOptions {
  readonly owner: { readonly uid: number; readonly gid: number }
  /** Of files; the modes they have when absent. */
  readonly mode?: number | undefined
  readonly onBytes: (count: number) => void
  readonly onLeftOut: (path: string, why: string) => void
}

const blockBytes = 1 << 18

export const archiveOf = (sources: readonly Sent[], options: SendOptions): AsyncGenerator<Buffer> =>
  gathered(pieces(sources, options))

/** What is small is asked of the disk at once: a trip through the thread pool for each question costs more than the file. */
async function* pieces(sources: readonly Sent[], options: SendOptions): AsyncGenerator<Buffer> {
  for (const { from, name, asLink } of sources) {
    const stats = asLink ? lstatSync(bytesOf(from)) : await stat(bytesOf(from))
    yield* tree({ from, name, stats }, options)
  }
  yield tarEnd()
}

interface Node extends Sent {
  readonly stats: Stats
}

async function* tree(node: Node, options: SendOptions): AsyncGenerator<Buffer> {
  const { stats } = node
  if (stats.isFile()) return yield* file(node, options)
  if (stats.isSymbolicLink()) {
    const target = await readlink(bytesOf(node.from), { encoding: 'latin1' })
    yield tarHeader({ ...entryOf(node, options), kind: 'link', size: 0, target })
  } else if (stats.isDirectory()) {
    yield tarHeader({ ...entryOf(node, options), kind: 'folder', mode: stats.mode & 0o7777, size: 0 })
    for (const child of (await readdir(bytesOf(node.from), { encoding: 'latin1' })).sort()) {
      const from = `${node.from}/${child}`
      yield* tree({ from, name: `${node.name}/${child}`, stats: lstatSync(bytesOf(from)) }, options)
    }
  } else options.onLeftOut(node.from, 'neither file, folder nor link')
}

function entryOf({ name, stats }: Node, { owner, mode }: SendOptions): Omit<NewEntry, 'kind' | 'size'> {
  return { name, mode: mode ?? stats.mode & 0o7777, ...owner, mtimeMs: stats.mtimeMs }
}

/** Its size stands before it: a file that shrinks meanwhile cannot be sent, one that grows is cut. */
async function* file(node: Node, options: SendOptions): AsyncGenerator<Buffer> {
  const handle = openSync(bytesOf(node.from), constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const { size } = fstatSync(handle)
    yield tarHeader({ ...entryOf(node, options), kind: 'file', size })
    for (let sent = 0; sent < size; ) {
      const bytes = Buffer.allocUnsafe(Math.min(size - sent, blockBytes))
      const count =
        size <= blockBytes ? readSync(handle, bytes, 0, bytes.length, sent) : await readLater(handle, bytes, sent)
      if (count === 0) throw new CroftError('FAILED', `"${node.from}" became shorter while it was read`)
      sent += count
      options.onBytes(count)
      yield bytes.subarray(0, count)
    }
    yield padding(size)
  } finally {
    closeSync(handle)
  }
}

const readLater = (handle: number, bytes: Buffer, at: number): Promise<number> =>
  new Promise((resolve, reject) =>
    read(handle, bytes, 0, bytes.length, at, (error, count) => (error ? reject(error) : resolve(count))),
  )

/** Ten thousand small files are thirty thousand pieces: they leave by the hundred. */
async function* gathered(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer[] = []
  let bytes = 0
  for await (const piece of pieces) {
    held.push(piece)
    bytes += piece.length
    if (bytes < blockBytes) continue
    yield held.length === 1 ? piece : Buffer.concat(held)
    held = []
    bytes = 0
  }
  yield Buffer.concat(held)
}
