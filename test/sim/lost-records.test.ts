/** The store is an older one than the disks, or a new one: what was made since has no record, but runs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keys } from '../../src/daemon/records/keys.ts'
import { type GuestRecord, type NumbersRecord, read, readAll } from '../../src/daemon/records/records.ts'
import { SimFarm } from './farm.ts'

const fresh = { blocks: [0], next: 1, used: [], resting: [], slots: [] }

async function farmThatForgot(): Promise<{ farm: SimFarm; record: GuestRecord }> {
  const farm = await new SimFarm().open()
  await farm.ask('createGuest', { body: { name: 'web', template: 'debian:12' } })
  await farm.ask('takeSnapshot', { params: { guest: 'web' }, body: { name: 'monday' } })
  await farm.pass(3)
  const record = (await read<GuestRecord>(farm.store, keys.guest('ash', 1)))?.value
  assert.ok(record)
  farm.kill()
  const { entries } = await farm.store.list('')
  const gone = entries.map(({ key }) => key).filter((key) => /^(guests|status\/ash\/guest|snapshots|names)\//.test(key))
  for (const key of gone) await farm.store.transact([], [{ delete: key }])
  const numbers = await read<NumbersRecord>(farm.store, keys.numbers('ash'))
  await farm.store.transact([], [{ put: keys.numbers('ash'), value: { ...numbers?.value, ...fresh } }])
  return { farm, record }
}

const untouched = async (farm: SimFarm) => [await farm.storage.holdings(1), await farm.runtime.observe(1)]

test('a new guest gets neither the number nor the uid slot of one that has no record, which runs on', async () => {
  const { farm } = await farmThatForgot()
  const before = await untouched(farm)
  await farm.boot()
  await farm.ask('createGuest', { body: { name: 'other', template: 'debian:12' } })
  await farm.pass(40)
  const guests = await readAll<GuestRecord>(farm.store, keys.guests('ash'))
  assert.deepEqual(
    guests.map(({ value }) => [value.name, value.number, value.slot]),
    [['other', 2, 1]],
  )
  assert.equal(await farm.stateOf('other'), 'running')
  await farm.ask('deleteGuest', { params: { guest: 'other' } })
  await farm.pass(3)
  assert.deepEqual([await farm.stateOf('other'), ...(await untouched(farm))], ['gone', ...before])
})

test('nor one whose disk came while the daemon ran', async () => {
  const { farm } = await farmThatForgot()
  const before = await untouched(farm)
  await farm.boot()
  const numbers = await read<NumbersRecord>(farm.store, keys.numbers('ash'))
  await farm.store.transact([], [{ put: keys.numbers('ash'), value: { ...numbers?.value, ...fresh } }])
  await farm.ask('createGuest', { body: { name: 'other', template: 'debian:12' } })
  await farm.pass(3)
  assert.equal((await read<GuestRecord>(farm.store, keys.guest('ash', 2)))?.value.name, 'other')
  assert.deepEqual(await untouched(farm), before)
})

test('a record whose number leads to the disk of another guest does nothing to it, also when it is removed', async () => {
  const { farm, record } = await farmThatForgot()
  const before = await untouched(farm)
  const other: GuestRecord = {
    ...{ ...record, id: 'another', name: 'other' },
    spec: { ...record.spec, root: { ...record.spec.root, id: 'another-root' } },
  }
  const name = { put: keys.name('other'), value: { kind: 'guest', host: 'ash', number: 1 } }
  await farm.store.transact([], [{ put: keys.guest('ash', 1), value: other }, name])
  await farm.boot()
  await farm.pass(60)
  assert.equal(await farm.stateOf('other'), 'failed')
  assert.ok((await farm.left()).some((line) => line.includes('the disk of another guest')))
  await farm.ask('deleteGuest', { params: { guest: 'other' } })
  await farm.pass(60)
  assert.deepEqual([await farm.stateOf('other'), ...(await untouched(farm))], ['gone', ...before])
})

test('taken in again it is the same guest, under another name when its own is taken twice', async () => {
  const { farm, record } = await farmThatForgot()
  await farm.boot()
  for (const name of ['web', 'web-1']) await farm.ask('createGuest', { body: { name, template: 'debian:12' } })
  await farm.pass(3)
  const asked = farm.ask('applyHost', { params: { host: 'ash' }, query: { adopt: '1' } })
  await farm.pass(10)
  const { result } = (await asked) as { result: { adopted: string[] } }
  assert.deepEqual(result.adopted, ['web-1-2'])
  await farm.ask('actGuest', { params: { guest: 'web-1-2' }, body: { do: 'start' } })
  await farm.pass(3)
  const adopted = (await read<GuestRecord>(farm.store, keys.guest('ash', 1)))?.value
  assert.deepEqual([adopted?.id, adopted?.slot, adopted?.spec.root.id], [record.id, record.slot, record.spec.root.id])
  for (const name of ['web', 'web-1', 'web-1-2']) assert.equal(await farm.stateOf(name), 'running')
})
