/** Room on a host: promised in the transaction that makes a guest, changed with its limits, free when it is gone. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Host } from '../../src/api/host.ts'
import { keys } from '../../src/daemon/records/keys.ts'
import { type FactsRecord, type HostRecord, type NumbersRecord, read } from '../../src/daemon/records/records.ts'
import { SimFarm } from './farm.ts'

const gib = 1024 ** 3
const facts: FactsRecord = {
  ...{ schema: 1, at: '2026-01-01T00:00:00Z', cpus: 4, load: 0 },
  memory: { totalBytes: 10 * gib, freeBytes: 10 * gib },
  pools: { default: { totalBytes: 100 * gib, freeBytes: 100 * gib } },
  templates: [],
}

async function farmWith(settings: Partial<HostRecord>): Promise<SimFarm> {
  const farm = await new SimFarm().open()
  const host = await read<HostRecord>(farm.store, keys.host('ash'))
  await farm.store.transact(
    [],
    [
      { put: keys.host('ash'), value: { ...host?.value, ...settings } },
      { put: keys.facts('ash'), value: facts },
    ],
  )
  return farm
}
const promised = async (farm: SimFarm) =>
  (await read<NumbersRecord>(farm.store, keys.numbers('ash')))?.value.promised ?? { memoryBytes: 0, disk: {} }
const create = (farm: SimFarm, name: string, more: object = {}) =>
  farm.ask('createGuest', { body: { name, template: 'debian:12', start: false, ...more } })
const params = { guest: 'a' }

test('200 at once at the limit: exactly what fits comes in, and the sums are right', async () => {
  const farm = await farmWith({ overcommit: 2, reserveBytes: 5 * gib })
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, at) => create(farm, `g${at}`, { memory: '256M', disk: '1G' })),
  )
  assert.equal(answers.filter((answer) => answer !== undefined).length, 40)
  assert.deepEqual(await promised(farm), { memoryBytes: 10 * gib, disk: { default: 40 * gib } })
  assert.match(farm.lines.at(-1) ?? '', /NO_ROOM: host ash: 256M of memory do not fit: 0 of 10G not promised/)
})

test('limits that grow are asked for, what shrinks is free at once, what is gone too', async () => {
  const farm = await farmWith({ overcommit: 1, reserveBytes: 8 * gib })
  await create(farm, 'a', { memory: '1G' })
  assert.equal(await create(farm, 'b', { memory: '1.5G' }), undefined)
  assert.equal(await farm.ask('changeGuest', { params, body: { memory: '3G' } }), undefined)
  assert.match(farm.lines.at(-1) ?? '', /NO_ROOM: host ash: 2G of memory do not fit: 1G of 2G not promised/)
  assert.ok(await farm.ask('changeGuest', { params, body: { memory: '512M', cpu: '1' } }))
  assert.ok(await create(farm, 'b', { memory: '1.5G' }))
  assert.equal((await promised(farm)).memoryBytes, 2 * gib)
  await farm.ask('deleteGuest', { params })
  await farm.clock.pass(2)
  assert.deepEqual(await promised(farm), { memoryBytes: 1.5 * gib, disk: { default: 10 * gib } })
})

test('more is promised already than may be: what does not grow goes on', async () => {
  const farm = await farmWith({})
  await create(farm, 'a', { memory: '4G' })
  const host = await read<HostRecord>(farm.store, keys.host('ash'))
  await farm.store.transact([], [{ put: keys.host('ash'), value: { ...host?.value, overcommit: 0.1 } }])
  assert.equal(await create(farm, 'b'), undefined)
  assert.ok(await farm.ask('changeGuest', { params, body: { memory: '3G' } }))
  assert.ok(await farm.ask('changeGuest', { params, body: { disk: '30G' } }))
})

test('a host alone takes what is asked of it, and counts; a limit of its disks is one when it is said', async () => {
  const farm = await farmWith({})
  await create(farm, 'a', { memory: '500G', disk: '9T' })
  assert.deepEqual(await promised(farm), { memoryBytes: 500 * gib, disk: { default: 9 * 1024 * gib } })
  const tight = await farmWith({ diskOvercommit: 1 })
  assert.ok(await create(tight, 'a', { disk: '99G' }))
  assert.equal(await create(tight, 'b', { disk: '2G' }), undefined)
  assert.match(tight.lines.at(-1) ?? '', /NO_ROOM: host ash: 2G of disk in pool default do not fit: 1G of 100G/)
})

test('sums that an older croft did not keep are made of the records', async () => {
  const farm = await farmWith({})
  await create(farm, 'a', { memory: '2G', disk: '5G' })
  const numbers = await read<NumbersRecord>(farm.store, keys.numbers('ash'))
  const { promised: _, ...older } = numbers?.value ?? assert.fail()
  await farm.store.transact([], [{ put: keys.numbers('ash'), value: older }])
  await create(farm, 'b', { memory: '1G', disk: '5G' })
  assert.deepEqual(await promised(farm), { memoryBytes: 3 * gib, disk: { default: 10 * gib } })
})

test('a drained host takes nobody new, and keeps whom it has', async () => {
  const farm = await farmWith({ drained: true })
  assert.equal(await create(farm, 'a'), undefined)
  assert.match(farm.lines.at(-1) ?? '', /NO_ROOM: host ash is drained/)
})

test('what is said of a host is said back, told, and can be taken back', async () => {
  const farm = await farmWith({})
  const host = { host: 'ash' }
  const say = (body: object, query = {}) => farm.ask('changeHost', { params: host, body, query })
  const view = async () => (await farm.ask('getHost', { params: host })) as Host
  assert.deepEqual((await view()).memory.mostBytes, null)
  await say({ tags: 'ssd,rack2', overcommit: '1.5', diskOvercommit: '2', reserve: '2G', sendRate: '5M' })
  assert.partialDeepStrictEqual(await view(), {
    ...{
      state: 'up',
      tags: ['rack2', 'ssd'],
      overcommit: 1.5,
      diskOvercommit: 2,
      reserveBytes: 2 * gib,
      sendRate: 5 * 2 ** 20,
    },
    memory: { promisedBytes: 0, mostBytes: 21 * gib },
    pools: { default: { mostBytes: 2 * 2 ** 40 } },
  })
  const planned = (await say({ tags: 'none', reserve: 'none', sendRate: 'none' }, { dryRun: '1' })) as {
    steps: object[]
  }
  assert.deepEqual(planned.steps, [
    { what: 'ash', step: 'tags', detail: '["rack2","ssd"] → []' },
    { what: 'ash', step: 'reserveBytes', detail: `${2 * gib} → none` },
    { what: 'ash', step: 'sendRate', detail: `${5 * 2 ** 20} → none` },
  ])
  await say({ tags: 'none', overcommit: 'none', diskOvercommit: 'none', reserve: 'none', sendRate: 'none' })
  assert.partialDeepStrictEqual(await view(), { tags: [], overcommit: null, reserveBytes: null, sendRate: null })
  for (const body of [
    { tags: 'a b' },
    { overcommit: '0' },
    { reserve: '-1' },
    { sendRate: '1' },
    { tags: '../x' },
    { name: 'x' },
  ])
    await assert.rejects(async () => say(body), /./)
  await farm.ask('drainHost', { params: host, body: { drained: true } })
  assert.equal((await view()).state, 'drained')
  await farm.ask('drainHost', { params: host, body: { drained: false } })
  assert.equal((await view()).state, 'up')
})
