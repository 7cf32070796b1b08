/** One pass for all who ask, and nobody waits for a disk that hangs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HostParts } from '../../../src/daemon/host/parts.ts'
import { keys } from '../../../src/daemon/records/keys.ts'
import { createUsageBoard, deadlineMs } from '../../../src/daemon/usage/board.ts'
import { createMemoryStore } from '../../../src/store/memory/index.ts'
import { quiet, SimClock } from '../../sim/clock.ts'

async function world(guests: number) {
  const clock = new SimClock()
  const env = clock.env(() => true)
  const store = createMemoryStore({ now: () => clock.now(), id: 'store' })
  for (let number = 1; number <= guests; number++) {
    const record = { number, name: `g${number}`, spec: { pool: 'default', root: { id: 'r' } } }
    await store.transact([], [{ put: keys.guest('ash', number), value: record }])
  }
  const asked: number[] = []
  const hanging = new Set<number>()
  const parts = {
    ...{ env, store, host: { name: 'ash' } },
    runtime: { usage: async () => ({ cpuSeconds: 1, memoryBytes: 2 }) },
    storage: (pool: string) => {
      if (pool !== 'default') throw new Error('no such pool')
      return {
        usage: async ({ number }: { number: number }) => {
          asked.push(number)
          if (hanging.has(number)) await new Promise(() => {})
          return { usedBytes: number, limitBytes: null }
        },
      }
    },
  } as unknown as HostParts
  return { clock, store, board: createUsageBoard(parts), asked, hanging }
}

test('who asks meanwhile, or soon after, gets the same look; later there is another', async () => {
  const { board, clock, asked } = await world(40)
  const [one, two] = await Promise.all([board.look(1000), board.look(1000)])
  assert.equal(one, two)
  assert.deepEqual([one.size, asked.length, one.get(7)?.diskBytes, one.get(7)?.memoryBytes], [40, 40, 7, 2])
  await clock.pass(0.9)
  await board.look(1000)
  assert.equal(asked.length, 40)
  await clock.pass(0.2)
  await board.look(1000)
  assert.equal(asked.length, 80)
})

test('a disk that hangs holds nobody up: what was seen so far is told, and no second pass begins', async () => {
  const { board, clock, hanging, asked } = await world(40)
  hanging.add(20)
  const look = board.look(0)
  await quiet()
  await clock.pass(deadlineMs / 1000 + 0.1)
  assert.equal((await look).get(1)?.diskBytes, 1)
  assert.equal((await look).has(20), false)
  const before = asked.length
  const again = board.look(0)
  await clock.pass(deadlineMs / 1000 + 0.1)
  await again
  assert.equal(asked.length, before)
})

test('a guest that is gone is forgotten, and one on a pool that is away is seen without its disk', async () => {
  const { board, store, clock } = await world(2)
  await board.look(0)
  const moved = { number: 2, name: 'g2', spec: { pool: 'other', root: { id: 'r' } } }
  await store.transact([], [{ delete: keys.guest('ash', 1) }, { put: keys.guest('ash', 2), value: moved }])
  await clock.pass(2)
  const seen = await board.look(0)
  assert.deepEqual([[...seen.keys()], seen.get(2)?.diskBytes, seen.get(2)?.cpuSeconds], [[2], null, 1])
})
