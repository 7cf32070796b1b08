/** Files and folders of the host as a tar stream. They are the caller's own; links are sent as links. */
import { createReadStream, type Stats } from 'node:fs'
import { lstat, open, readdir, readlink, stat } from 'node:fs/promises'
import { CroftError } from '../../api/errors.ts'
import { type NewEntry, padding, tarEnd, tarHeader } from './tar-write.ts'
import { bytesOf } from './unpack.ts'

export interface Sent {
  /** On the host, bytes as latin1; followed when it is a link. */
  readonly from: string
  /** What it is called in the archive. */
  readonly name: string
}

export interface SendOptions {
  readonly owner: { readonly uid: number; readonly gid: number }
  /** Of files; the modes they have when absent. */
  readonly mode?: number | undefined
  readonly onBytes: (count: number) => void
  readonly onLeftOut: (path: string, why: string) => void
}

export async function* archiveOf(sources: readonly Sent[], options: SendOptions): AsyncGenerator<Buffer> {
  for (const { from, name } of sources) yield* tree({ from, name, stats: await stat(bytesOf(from)) }, options)
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
      yield* tree({ from, name: `${node.name}/${child}`, stats: await lstat(bytesOf(from)) }, options)
    }
  } else options.onLeftOut(node.from, 'neither file, folder nor link')
}

function entryOf({ name, stats }: Node, { owner, mode }: SendOptions): Omit<NewEntry, 'kind' | 'size'> {
  return { name, mode: mode ?? stats.mode & 0o7777, ...owner, mtimeMs: stats.mtimeMs }
}

/** Its size stands before it: a file that shrinks meanwhile cannot be sent, one that grows is cut. */
async function* file(node: Node, options: SendOptions): AsyncGenerator<Buffer> {
  const handle = await open(bytesOf(node.from), 'r')
  try {
    const { size } = await handle.stat()
    yield tarHeader({ ...entryOf(node, options), kind: 'file', size })
    let sent = 0
    if (size > 0) {
      const stream = createReadStream('', {
        fd: handle,
        start: 0,
        end: size - 1,
        autoClose: false,
        highWaterMark: 1 << 18,
      })
      for await (const bytes of stream) {
        sent += (bytes as Buffer).length
        options.onBytes((bytes as Buffer).length)
        yield bytes as Buffer
      }
    }
    if (sent < size) throw new CroftError('FAILED', `"${node.from}" became shorter while it was read`)
    yield padding(size)
  } finally {
    await handle.close()
  }
}
