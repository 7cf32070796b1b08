/** An exported template is a tar of `croft.json` and `rootfs`: the first goes before what tar makes of the second. */
import { Readable } from 'node:stream'
import type { ImageLabel } from './driver.ts'
import { padding } from './reader/tar.ts'
import { tarHeader } from './reader/write.ts'

export function labelled(label: ImageLabel, tree: Readable): Readable {
  const body = Buffer.from(`${JSON.stringify({ format: 1, ...label })}\n`)
  const entry = { path: 'croft.json', kind: 'file', mode: 0o644, uid: 0, gid: 0, mtime: 0, target: '' } as const
  const head = tarHeader({ ...entry, size: body.length, capability: undefined })
  async function* all(): AsyncGenerator<Buffer> {
    yield Buffer.concat([head, body, Buffer.alloc(padding(body.length))])
    yield* tree as AsyncIterable<Buffer>
  }
  return Readable.from(all(), { objectMode: false, highWaterMark: 256 * 1024 })
}
