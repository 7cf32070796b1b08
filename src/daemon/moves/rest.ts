/** What is left of a disk for who has its beginning. A disk is sent alike each time by one host, and perhaps otherwise by another. */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { CroftError } from '../../api/errors.ts'
import type { Measure, Sending } from '../../drivers/storage/driver.ts'

/** The hash stays that of the whole. HASH_DIFFERS when this disk begins otherwise, or is shorter: nothing is sent then. */
export async function restOf({ stream, sent }: Sending, known: Measure): Promise<Sending> {
  const chunks = (stream as AsyncIterable<Buffer>)[Symbol.asyncIterator]()
  const hash = createHash('sha256')
  let left = known.bytes
  let over: Buffer = Buffer.alloc(0)
  while (left > 0) {
    const next = await chunks.next()
    if (next.done) break
    const same = next.value.subarray(0, left)
    hash.update(same)
    left -= same.length
    over = next.value.subarray(same.length)
  }
  if (left > 0 || hash.digest('hex') !== known.sha256) {
    stream.destroy()
    throw new CroftError('HASH_DIFFERS', `the disk does not begin with those ${known.bytes} bytes`, {
      hint: 'ask for all of it',
    })
  }
  async function* rest() {
    if (over.length > 0) yield over
    yield* { [Symbol.asyncIterator]: () => chunks }
  }
  return { stream: Readable.from(rest(), { objectMode: false }), sent }
}
