import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limitWarnings } from '../../../src/plan/limit-warnings.ts'

const gib = 1024 ** 3
const host = { cpus: 2, memoryBytes: 24 * gib, poolBytes: 60 * gib }
const huge = { cpus: 1000, memoryBytes: 1000 * gib, diskBytes: 61 * gib }

test('what is more than there is, when the change names it', () => {
  assert.deepEqual(limitWarnings({ memory: 1000 * gib, cpu: 1000, disk: 61 * gib }, huge, host), [
    'cpu=1000 is more than the host has (2)',
    'memory=1000G is more than the host has (24G)',
    'disk=61G is more than the pool has (60G)',
  ])
  assert.equal(limitWarnings({ size: 'huge' }, huge, host).length, 3)
  assert.deepEqual(limitWarnings({ labels: { a: 'b' } }, huge, host), [])
})

test('nothing of what fits, is unlimited, or cannot be told', () => {
  const all = { memory: 1, cpu: 1, disk: 1 }
  assert.deepEqual(limitWarnings(all, { cpus: 2, memoryBytes: 24 * gib, diskBytes: 60 * gib }, host), [])
  assert.deepEqual(limitWarnings(all, {}, host), [])
  assert.deepEqual(limitWarnings({ disk: 1 }, huge, { ...host, poolBytes: null }), [])
})
