/** Bytes on their way: passed through, counted, hashed. */
import { createHash } from 'node:crypto'
import { pipeline, type Readable, Transform } from 'node:stream'
import { CroftError } from '../../api/errors.ts'
import type { Measure, Sending } from './driver.ts'

export interface Measured {
  readonly stream: Readable
  /** Settles when the stream has ended, or broke. */
  readonly measure: Promise<Measure>
}

/** `whole` is asked before the end is told: when it throws, the stream breaks instead. */
export function measured(source: Readable, whole: () => Promise<unknown> = async () => {}): Measured {
  const hash = createHash('sha256')
  let bytes = 0
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk)
      bytes += chunk.length
      done(null, chunk)
    },
    flush: (done) => void whole().then(() => done(), done),
  })
  const { promise, resolve, reject } = Promise.withResolvers<Measure>()
  // Who only wants the bytes does not listen here.
  promise.catch(() => undefined)
  pipeline(source, counter, (thrown) => (thrown ? reject(thrown) : resolve({ bytes, sha256: hash.digest('hex') })))
  return { stream: counter, measure: promise }
}

export const sending = ({ stream, measure }: Measured): Sending => ({ stream, sent: measure })

export function assertSame(wanted: string | undefined, { sha256 }: Measure): void {
  if (wanted === undefined || wanted === sha256) return
  throw new CroftError('HASH_DIFFERS', `what came has the sha256 ${sha256}, not ${wanted}`)
}
