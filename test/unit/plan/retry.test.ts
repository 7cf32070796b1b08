import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Attempts, afterFailure, mayTry, mostFailures } from '../../../src/plan/retry.ts'

const none: Attempts = { generation: 1, failures: 0, retryAt: 0 }

test('tried again after 1, 2, 4 and 8 s, then not until asked', () => {
  let attempts = none
  const waits: (number | string)[] = []
  for (let failure = 0; failure < mostFailures; failure++) {
    attempts = afterFailure(attempts, 100)
    waits.push(mayTry(attempts, 100))
  }
  assert.deepEqual(waits, [1000, 2000, 4000, 8000, 'given-up'])
})

test('what never failed may begin, whatever the clock says; what failed may when its time has come', () => {
  for (const now of [-5, 0, 1e12]) assert.equal(mayTry(none, now), 0)
  const failed = afterFailure(none, 500)
  assert.equal(mayTry(failed, 1499.5), 1)
  assert.equal(mayTry(failed, 1500), 0)
  assert.equal(mayTry(failed, 9000), 0)
})
