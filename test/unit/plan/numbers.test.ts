import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isUsableNumber, uidSlots } from '../../../src/plan/addresses.ts'
import { freeNumber, type Numbers, reserveFound, restMs, takeNumber } from '../../../src/plan/numbers.ts'

const fresh: Numbers = { blocks: [0], next: 1, used: [], resting: [], slots: [] }

test('random takes and frees: unique, usable, and a freed number rests 24 h', () => {
  const action = fc.oneof(
    { weight: 3, arbitrary: fc.constant('take' as const) },
    { weight: 2, arbitrary: fc.record({ free: fc.nat(400) }) },
    { weight: 1, arbitrary: fc.record({ hours: fc.integer({ min: -1, max: 30 }) }) },
  )
  fc.assert(
    fc.property(fc.array(action, { maxLength: 600 }), (actions) => {
      const held: { number: number; slot: number }[] = []
      const freedAt = new Map<number, number>()
      let numbers = fresh
      let now = 1_000_000_000
      for (const action of actions) {
        if (action === 'take') {
          const taken = takeNumber(numbers, now)
          assert.ok(taken)
          assert.ok(isUsableNumber(taken.number) && taken.slot >= 0 && taken.slot < uidSlots)
          assert.ok(
            held.every(({ number, slot }) => number !== taken.number && slot !== taken.slot),
            'unique',
          )
          const freed = freedAt.get(taken.number)
          assert.ok(freed === undefined || now - freed >= restMs, 'rested')
          held.push(taken)
          numbers = taken.numbers
        } else if ('hours' in action) now += action.hours * 3_600_000
        else {
          const [gone] = held.splice(action.free % Math.max(1, held.length), 1)
          if (!gone) continue
          numbers = freeNumber(numbers, gone, now)
          freedAt.set(gone.number, now)
        }
        assert.deepEqual([...numbers.used].sort(), held.map(({ number }) => number).sort())
        assert.equal(new Set(numbers.slots).size, held.length)
      }
    }),
    { numRuns: 60 },
  )
})

test('the cursor moves on: a freed number is not the next one', () => {
  const first = takeNumber(fresh, 0)
  assert.ok(first)
  const again = takeNumber(freeNumber(first.numbers, first, 0), restMs + 1)
  assert.equal(again?.number, first.number + 1)
})

test('what is found without a record keeps its number and its slot, and is written down once', () => {
  const found = [{ number: 1, slot: 0 }, { number: 2 }]
  const numbers = reserveFound(fresh, found, 0)
  const taken = takeNumber(numbers, 0)
  assert.deepEqual([taken?.number, taken?.slot], [3, 1])
  assert.equal(reserveFound(numbers, found, 3_600_000), numbers)
  const later = reserveFound(numbers, found, restMs)
  assert.deepEqual([takeNumber(later, restMs)?.number, later.slots], [3, [0]])
})

test('a full block leads to another; a full farm says so, and so does a host without slots', () => {
  let numbers = { ...fresh, slots: [] as readonly number[] }
  for (let count = 0; count < 254; count++) {
    const taken = takeNumber(numbers, 0)
    assert.ok(taken)
    numbers = { ...taken.numbers }
  }
  assert.deepEqual(numbers.blocks, [0])
  const next = takeNumber(numbers, 0)
  assert.deepEqual([next?.number, next?.numbers.blocks], [257, [0, 1]])
  const all = Array.from({ length: 65536 }, (_, number) => number).filter(isUsableNumber)
  const blocks = Array.from({ length: 256 }, (_, block) => block)
  assert.equal(takeNumber({ ...fresh, blocks, used: all }, 0), undefined)
  assert.equal(takeNumber({ ...fresh, slots: Array.from({ length: uidSlots }, (_, slot) => slot) }, 0), undefined)
})

test('a clock that went back lets no number out of its rest', () => {
  const first = takeNumber(fresh, 0)
  assert.ok(first)
  const resting = freeNumber(first.numbers, first, 10 * 3_600_000)
  assert.deepEqual(takeNumber(resting, 9 * 3_600_000)?.numbers.resting, resting.resting)
})
