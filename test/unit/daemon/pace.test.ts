import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { createHostPace, createPace } from '../../../src/daemon/host/pace.ts'
import { flow } from '../../../src/daemon/moves/flow.ts'
import { createMemoryStore } from '../../../src/store/memory/index.ts'
import { quiet, SimClock } from '../../sim/clock.ts'

const world = async (sendRate?: number) => {
  const clock = new SimClock()
  const env = clock.env(() => true)
  const store = createMemoryStore({ now: () => clock.seconds * 1000 })
  const said = async (rate?: number) =>
    store.transact([], [{ put: 'hosts/ash', value: rate === undefined ? {} : { sendRate: rate } }])
  await said(sendRate)
  return { clock, env, store, said, pace: createHostPace({ env, store, host: { name: 'ash' } }) }
}

/** What has come of it until now. */
function taken(stream: Readable): () => number {
  let bytes = 0
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length
  })
  return () => bytes
}
const disk = (bytes: number) => Readable.from([Buffer.alloc(bytes)])

async function pass(clock: SimClock, seconds: number): Promise<void> {
  for (let step = 0; step < seconds * 20; step++) {
    await clock.pass(0.05)
    for (let turn = 0; turn < 4; turn++) await quiet()
  }
}
const near = (bytes: number, wanted: number, slack: number) =>
  assert.ok(Math.abs(bytes - wanted) <= slack, `${bytes}, not ${wanted}`)

test('all disks together leave a host no faster than was said, one as fast as the other', async () => {
  const { clock, env, pace } = await world(100_000)
  const [one, other] = [disk(1e6), disk(1e6)].map((each) => taken(flow({ env, pace }, each, {})))
  await pass(clock, 4)
  const [first, second] = [one?.() ?? 0, other?.() ?? 0]
  near(first + second, 400_000, 60_000)
  near(first, second, 50_000)
})

test('what one may itself holds as well, also where it is little; and something comes all the time', async () => {
  const { clock, env, pace } = await world(1e6)
  const slow = taken(flow({ env, pace }, disk(1e6), { rate: 1024 }))
  const told: number[] = []
  for (let second = 0; second < 10; second++) {
    await pass(clock, 1)
    told.push(slow())
  }
  near(told.at(-1) ?? 0, 10_240, 1024)
  assert.ok(
    told.every((bytes, at) => bytes > (told[at - 1] ?? 0)),
    told.join(),
  )
})

test('another rate holds from the next second on, none is none, and the last one while the store is away', async () => {
  const { clock, env, store, said, pace } = await world(1000)
  const came = taken(flow({ env, pace }, disk(5e6), {}))
  await pass(clock, 5)
  near(came(), 5000, 1000)
  await said(100_000)
  await pass(clock, 5)
  near(came(), 500_000, 120_000)
  store.get = () => Promise.reject(new Error('away'))
  const before = came()
  await pass(clock, 5)
  near(came() - before, 500_000, 60_000)
  const free = taken(flow({ env, pace: createPace(env, async () => undefined) }, disk(5e6), {}))
  await pass(clock, 0.1)
  assert.equal(free(), 5e6)
})
