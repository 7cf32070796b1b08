import assert from 'node:assert/strict'
import { test } from 'node:test'
import { strandsOf } from '../../../src/plan/guest-order.ts'
import { planVolumes } from '../../../src/plan/guest-volumes.ts'

const steps = (sizeBytes: number | undefined, made: boolean, limitBytes?: number | null) =>
  planVolumes([{ id: 'v', sizeBytes, made }], limitBytes === undefined ? {} : { v: { limitBytes } }).map(
    (step) => step.do,
  )

test('a volume is made once, limited as its record says, and its absence is a loss', () => {
  assert.deepEqual(steps(100, false), ['makeVolume'])
  assert.deepEqual(steps(100, false, null), ['makeVolume'], 'there, but not reported')
  assert.deepEqual(steps(100, true, 100), [])
  assert.deepEqual([steps(200, true, 100), steps(100, true, null)], [['limitVolume'], ['limitVolume']])
  assert.deepEqual(steps(100, true), ['fail'])
})

test('by the kept plan, which knows no records of volumes, what is there is used and nothing is made', () => {
  assert.deepEqual([steps(undefined, false, 100), steps(undefined, false)], [[], ['fail']])
})

test('the seed waits for the disk, and the start for both; volumes, configuration and firewall go beside them', () => {
  const groups = strandsOf([
    { do: 'makeVolume', id: 'v', bytes: 1 },
    { do: 'cloneRoot', from: { kind: 'template', id: 't', ref: 't:1' }, id: 'r' },
    { do: 'limitRoot', id: 'r', bytes: 1 },
    { do: 'define' },
    { do: 'plant', seed: 'r' },
    { do: 'openFirewall' },
    { do: 'start' },
  ])
  assert.deepEqual(
    groups.map((strands) => strands.map((strand) => strand.map((step) => step.do).join(' '))),
    [
      ['cloneRoot plant', 'makeVolume', 'define', 'openFirewall'],
      ['limitRoot', 'start'],
    ],
  )
})
