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

interface MeasuredOptions {
  /** Asked before the end is told: when it throws, the stream breaks instead. */
  readonly whole?: () => Promise<unknown>
  /** What is longer breaks with TOO_LARGE. */
  readonly mostBytes?: number | undefined
}

export function measured(source: Readable, { whole = async () => {}, mostBytes }: MeasuredOptions = {}): Measured {
  const hash = createHash('sha256')
  let bytes = 0
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      if (mostBytes !== undefined && bytes > mostBytes) return done(tooLarge(mostBytes))
      hash.update(chunk)
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

const tooLarge = (mostBytes: number): CroftError =>
  new CroftError(
    'TOO_LARGE',
    `as a stream the disk is longer than ${mostBytes} bytes, the most that its limit allows for`,
    {
      hint: 'croft set NAME disk=SIZE, with more',
    },
  )

export const sending = ({ stream, measure }: Measured): Sending => ({ stream, sent: measure })

export function assertSame(wanted: string | undefined, { sha256 }: Measure): void {
  if (wanted === undefined || wanted === sha256) return
  throw new CroftError('HASH_DIFFERS', `what came has the sha256 ${sha256}, not ${wanted}`)
}
