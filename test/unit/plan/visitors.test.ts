/** Requests between two looks at counters, whatever happened to these meanwhile. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Counted, tallied } from '../../../src/plan/visitors.ts'

const at = (counts: Readonly<Record<string, readonly [number, number]>>): Map<string, Counted> =>
  new Map(Object.entries(counts).map(([id, [requests, errors5xx]]) => [id, { requests, errors5xx }]))
const after = (...looks: readonly ReturnType<typeof at>[]) => {
  const tally = looks.reduce<ReturnType<typeof tallied> | undefined>(tallied, undefined)
  return [tally?.requests, tally?.failed]
}

test('what came before the first look does not count; a route that is added, and an edge that began anew, do', () => {
  assert.deepEqual(after(at({ a: [100, 9] })), [0, 0])
  assert.deepEqual(after(at({ a: [100, 9] }), at({ a: [110, 9] }), at({ a: [140, 11] })), [40, 2])
  assert.deepEqual(after(at({ a: [100, 9] }), at({ a: [101, 9], b: [5, 1] })), [6, 1])
  assert.deepEqual(after(at({ a: [100, 9] }), at({ a: [7, 1] }), at({ a: [9, 1] })), [9, 1])
  // One that was away for a look goes on where it was.
  assert.deepEqual(after(at({ a: [100, 0] }), at({}), at({ a: [103, 0] })), [3, 0])
})
