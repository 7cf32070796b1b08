/** Fifty guests at once, on one small machine. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Guest } from '../../src/api/guest.ts'
import { useFarm } from './farm.ts'

const farm = await useFarm()
const names = Array.from({ length: 50 }, (_, index) => `g${index + 1}`)

test('fifty guests started at once all live, answer, and go', async () => {
  const made = await Promise.all(
    names.map((name) => farm.api('POST', '/v1/guests?wait=60000', { name, template: 'debian:12', memory: '128M' })),
  )
  assert.deepEqual(
    made.filter(({ status }) => status >= 300).map(({ text }) => text),
    [],
  )
  const guests = () => farm.json<Guest[]>('ls')
  await farm.waitFor(
    async () => (await guests()).every(({ status }) => status?.state === 'running'),
    120_000,
    '50 running',
  )
  const first = await guests()
  await sleep(10_000)
  const later = await guests()
  assert.deepEqual(
    later.filter(({ status }) => status?.state !== 'running').map(({ name, status }) => `${name} ${status?.reason}`),
    [],
  )
  assert.deepEqual(
    later.map(({ name, status }) => `${name} ${status?.startedAt}`),
    first.map(({ name, status }) => `${name} ${status?.startedAt}`),
    'none had to be started again',
  )
  assert.equal(new Set(later.map(({ ipv4 }) => ipv4)).size, names.length)
  const said = await farm.croft('exec', '--all', '--', 'hostname')
  assert.equal(said.code, 0, said.stderr)
  assert.equal(said.stdout.trim().split('\n').length, names.length)
  await farm.croftOk('rm', '--all', '-y')
})
