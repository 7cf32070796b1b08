/** A stream whose last 32 bytes are the hash of all before them: so its end is told from its breaking off. */
import { pipeline, Readable, Transform } from 'node:stream'
import type { Sending } from '../../drivers/storage/driver.ts'

const tailBytes = 32

export function withTail({ stream, sent }: Sending): Readable {
  async function* all() {
    yield* stream
    yield Buffer.from((await sent).sha256, 'hex')
  }
  return Readable.from(all(), { objectMode: false })
}

export interface Split {
  readonly body: Readable
  /** Known when the body has ended. */
  readonly sha256: Promise<string>
}

export function splitTail(stream: Readable): Split {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  promise.catch(() => undefined)
  let kept = Buffer.alloc(0)
  const body = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const all = Buffer.concat([kept, chunk])
      const cut = Math.max(0, all.length - tailBytes)
      kept = all.subarray(cut)
      done(null, all.subarray(0, cut))
    },
  })
  pipeline(stream, body, (thrown) => (thrown ? reject(thrown) : resolve(kept.toString('hex'))))
  return { body, sha256: promise }
}
