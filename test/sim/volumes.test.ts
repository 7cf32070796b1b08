/** Lasting data of a site: shared by its instances, there after the last of them, gone when somebody says so. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Accepted } from '../../src/api/resources.ts'
import type { Volume } from '../../src/api/volume.ts'
import { listOrphans } from '../../src/daemon/host/plan-host.ts'
import { keys } from '../../src/daemon/records/keys.ts'
import { removePart } from '../../src/daemon/records/parts.ts'
import { ensureVolume, listVolumes, removeVolumes } from '../../src/daemon/records/volumes.ts'
import { SimFarm } from './farm.ts'
import { assertGolden } from './golden.ts'
import { createInstance, loop, shopProd, withVolume } from './instance.ts'
import { plain, SiteFarm } from './sites-farm.ts'

const gib = 1024 ** 3

test('volume-outlives-instances', async () => {
  const farm = await new SimFarm().open()
  const id = await withVolume(farm.daemon, 'shop/prod/1')
  await withVolume(farm.daemon, 'shop/prod/2')
  await farm.pass(3)
  const volume = { kind: 'volume', id } as const
  farm.storage.write(volume, 'upload', 'photograph')
  farm.say('loop', 'wishes for more room, and another instance')
  assert.equal(await ensureVolume(farm.daemon, { site: shopProd, name: 'uploads', sizeBytes: 2 * gib }), id)
  for (const name of ['shop/prod/1', 'shop/prod/2']) await removePart(farm.daemon, loop, name)
  await farm.pass(3)
  await createInstance(farm.daemon, 'shop/prod/3', { volumes: [{ id, target: '/srv/app/uploads' }] })
  await farm.pass(3)
  assert.equal(farm.storage.read(volume, 'upload'), 'photograph')
  assert.equal((await farm.storage.usage(volume))?.limitBytes, 2 * gib)
  farm.say('people', 'part with the data')
  await removeVolumes(farm.daemon, 'shop/prod')
  await farm.pass(3)
  assert.equal(farm.storage.read(volume, 'upload'), 'photograph', 'an instance has it')
  await removePart(farm.daemon, loop, 'shop/prod/3')
  await farm.pass(3)
  assert.deepEqual([await farm.storage.exists(volume), await listVolumes(farm.daemon)], [false, []])
  assertGolden('volume-outlives-instances', farm.lines)
})

test('a volume that is gone from the pool is a loss, and nothing is made in its place', async () => {
  const farm = await new SimFarm().open()
  const id = await withVolume(farm.daemon, 'shop/prod/1')
  await farm.pass(3)
  await removePart(farm.daemon, loop, 'shop/prod/1')
  await farm.pass(3)
  await farm.storage.remove({ kind: 'volume', id })
  await createInstance(farm.daemon, 'shop/prod/2', { volumes: [{ id, target: '/srv/app/uploads' }] })
  await farm.pass(60)
  assert.deepEqual([await farm.stateOf('shop/prod/2'), farm.runtime.starts(2)], ['failed', 0])
  assert.equal(await farm.storage.exists({ kind: 'volume', id }), false)
})

test('a hundred rollouts, each with an instance before the last one goes, and the data is what it was', async () => {
  const farm = await new SimFarm().open()
  const id = await withVolume(farm.daemon, 'shop/prod/1')
  await farm.pass(3)
  const volume = { kind: 'volume', id } as const
  farm.storage.write(volume, 'upload', 'photograph')
  for (let count = 2; count <= 100; count++) {
    await withVolume(farm.daemon, `shop/prod/${count}`)
    await farm.pass(1)
    await removePart(farm.daemon, loop, `shop/prod/${count - 1}`)
    await farm.pass(1)
  }
  assert.equal(farm.storage.read(volume, 'upload'), 'photograph')
  assert.deepEqual(
    (await farm.storage.inventory()).volumes.map((each) => each.id),
    [id],
  )
  assert.deepEqual(await farm.left(), [])
})

test('one without a record is told, and stays', async () => {
  const farm = await new SimFarm().open()
  const id = await withVolume(farm.daemon, 'shop/prod/1')
  await farm.pass(3)
  await removePart(farm.daemon, loop, 'shop/prod/1')
  await farm.pass(3)
  await farm.store.transact([], [{ delete: keys.volume('ash', id) }, { delete: keys.volumeStatus('ash', id) }])
  await farm.pass(40)
  const open = farm.daemon.open()
  assert.ok(open)
  const told = await listOrphans(open.parts)
  assert.deepEqual(
    told.map(({ what, detail }) => `${what}: ${detail}`),
    [`volume ${id}: data "uploads" of shop/prod lies in /pool/volumes/${id} without a record, and stays there`],
  )
  assert.equal(await farm.storage.exists({ kind: 'volume', id }), true)
})

test('asked for by many at once it is one; a site that was made anew begins with none', async () => {
  const farm = await new SimFarm().open()
  const wish = { site: shopProd, name: 'uploads', sizeBytes: gib }
  const ids = await Promise.all([1, 2, 3, 4].map(() => ensureVolume(farm.daemon, wish)))
  assert.equal(new Set(ids).size, 1)
  assert.notEqual(await ensureVolume(farm.daemon, { ...wish, site: { ...shopProd, id: 'another' } }), ids[0])
  assert.notEqual(await ensureVolume(farm.daemon, { ...wish, name: 'other' }), ids[0])
})

test('lasting data is shown with who has it; what nothing has is an orphan, and that alone can be removed', async () => {
  const farm = await new SiteFarm().begun()
  const data = { uploads: { path: '/srv/app/uploads', sizeBytes: gib } }
  await farm.release('v1', { ...plain, data })
  await farm.release('v2')
  await farm.deployed({ version: 'v1' })
  const list = async (query = {}) => (await farm.ask('listVolumes', { query })) as Volume[]
  const [volume] = await list({ site: 'shop/prod' })
  assert.ok(volume)
  const { id, host } = volume
  assert.deepEqual(
    [volume.name, volume.state, volume.sizeBytes, volume.guests],
    ['shop/prod:uploads', 'used', gib, ['shop/prod/1', 'shop/prod/2']],
  )
  const rm = (dryRun = '0') => farm.ask('removeVolume', { params: { host, volume: id }, query: { dryRun } })
  assert.equal(await rm(), undefined)
  assert.equal(farm.refused?.code, 'IN_USE')
  await farm.deployed({ version: 'v2' })
  assert.deepEqual(
    (await list()).map(({ state, guests }) => [state, guests]),
    [['orphan', []]],
  )
  const planned = (await rm('1')) as Accepted
  assert.deepEqual([planned.steps?.length, (await list()).length], [1, 1])
  farm.unwell = () => 'nothing listens there'
  await farm.deploy({ anew: true })
  assert.equal(await rm(), undefined)
  assert.equal(farm.refused?.code, 'BUSY', 'it may be asked for in a moment')
  farm.unwell = () => undefined
  await farm.pass(60)
  await rm()
  await farm.pass(5)
  assert.deepEqual([await list(), await farm.storage.exists({ kind: 'volume', id })], [[], false])
  assert.equal(await rm(), undefined)
  assert.equal(farm.refused?.code, 'NOT_FOUND')
})
