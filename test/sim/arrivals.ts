/** What has come of disks, kept in memory: files take real time, which no clock of ours knows of. */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { Arrivals } from '../../src/daemon/host/arrivals.ts'

export interface FakeArrivals extends Arrivals {
  readonly kept: Map<string, Buffer[]>
}

export function createFakeArrivals(): FakeArrivals {
  const kept = new Map<string, Buffer[]>()
  async function* all(id: string, rest: AsyncIterable<Buffer>) {
    const pieces = kept.get(id) ?? []
    kept.set(id, pieces)
    yield* pieces
    for await (const chunk of rest) {
      pieces.push(chunk)
      yield chunk
    }
  }
  return {
    kept,
    async find(id) {
      const some = Buffer.concat(kept.get(id) ?? [])
      return some.length === 0
        ? undefined
        : { bytes: some.length, sha256: createHash('sha256').update(some).digest('hex') }
    },
    whole: (id, rest) => Readable.from(all(id, rest), { objectMode: false }),
    async remove(id) {
      kept.delete(id)
    },
    async sweep() {},
  }
}
