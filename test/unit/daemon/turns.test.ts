import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as settled } from 'node:timers/promises'
import { createTurns } from '../../../src/daemon/host/turns.ts'

function world() {
  const timers = new Set<() => void>()
  const later = (_ms: number, work: () => void) => {
    timers.add(work)
    return { [Symbol.dispose]: () => void timers.delete(work) }
  }
  return {
    timers,
    turns: createTurns(2, { later }),
    patienceEnds() {
      for (const work of timers) work()
      timers.clear()
    },
  }
}

const hangs = () => new Promise<void>(() => undefined)

test('so many at a time, in the order they came', async () => {
  const { turns, timers } = world()
  const ends: (() => void)[] = []
  const begun: number[] = []
  const work = [0, 1, 2, 3].map((at) =>
    turns.take(() => {
      begun.push(at)
      return new Promise<void>((end) => ends.push(end))
    }),
  )
  await settled()
  assert.deepEqual(begun, [0, 1])
  ends[1]?.()
  await settled()
  assert.deepEqual(begun, [0, 1, 2])
  ends[0]?.()
  await settled()
  for (const end of ends) end()
  await Promise.all(work)
  assert.deepEqual(begun, [0, 1, 2, 3])
  assert.equal(timers.size, 0)
})

test('those that hang give their places on, once', async () => {
  const { turns, patienceEnds } = world()
  for (let count = 0; count < 2; count++) turns.take(hangs)
  const begun: number[] = []
  for (const at of [0, 1, 2]) {
    turns.take(() => {
      begun.push(at)
      return hangs()
    })
  }
  await settled()
  assert.deepEqual(begun, [])
  patienceEnds()
  await settled()
  assert.deepEqual(begun, [0, 1])
})

test('a failure gives the place on too', async () => {
  const { turns } = world()
  for (let count = 0; count < 3; count++) await assert.rejects(turns.take(() => Promise.reject(new Error('no'))))
  assert.equal(await turns.take(async () => 7), 7)
})
