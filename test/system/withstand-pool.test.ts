/** A guest without a limit fills the pool: the others are told so clearly, and with the guest the trouble goes. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Guest } from '../../src/api/guest.ts'
import type { Pool, Status } from '../../src/api/resources.ts'
import { createTestFarm } from './farm.ts'
import { addTinyTemplate, tinyTemplate } from './tiny.ts'

const farm = await createTestFarm({ ready: false })
after(() => farm.dispose())

test('a full pool', async () => {
  await farm.croftOk('init', 'meadow', '--pool', 'file', '--pool-size', '512M')
  await addTinyTemplate(farm, join(farm.stateDir, 'pools/default'))
  await farm.croftOk('create', 'calm', tinyTemplate)
  await farm.croftOk('create', 'greedy', tinyTemplate, 'disk=none', 'memory=200M')
  await farm.croftOk('snapshot', 'add', 'calm@before')
  const full = await farm.croft('exec', 'greedy', '--', 'dd', 'if=/dev/zero', 'of=/srv/all', 'bs=1M')
  assert.match(full.stderr, /No space left/)

  const refused = await farm.croft('create', 'late', tinyTemplate)
  assert.equal(refused.code, 1, refused.stdout)
  assert.match(refused.stderr, /pool .*(left|room)/)
  assert.match(refused.stderr, /→ croft /)
  const late = await farm.json<Guest>('show', 'late')
  assert.match(late.status?.reason ?? '', /pool/)
  const [pool] = await farm.json<Pool[]>('pool', 'ls')
  assert.ok((pool?.freeBytes ?? 0) < 64 * 1024 ** 2)

  const { attention } = await farm.json<Status>('status')
  const told = attention.find(({ what }) => what === 'pool default')
  assert.match(told?.why ?? '', /full: .*; 1 snapshot holds /)
  assert.equal(told?.do, 'croft snapshot ls')

  assert.equal(await farm.inGuest('calm', 'hostname'), 'calm', 'the neighbour lives')
  await farm.croftOk('stop', 'calm')
  await farm.croftOk('start', 'calm')
  assert.equal(await farm.inGuest('calm', 'hostname'), 'calm', 'and starts again, its disk is there')

  await farm.croftOk('rm', 'greedy', '-y')
  await farm.waitFor(
    async () => (await farm.croft('start', 'late')).code === 0,
    60_000,
    'the guest that waited for room',
  )
  assert.equal(await farm.inGuest('late', 'hostname'), 'late')
  await farm.croftOk('create', 'more', tinyTemplate)
  await farm.croftOk('rm', '--all', '-y')
})
