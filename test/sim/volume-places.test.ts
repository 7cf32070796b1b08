/** A record of lasting data where nothing lies leads no instance there; two places with data are nobody's guess. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { VolumeRecord } from '../../src/daemon/records/app-records.ts'
import { keys } from '../../src/daemon/records/keys.ts'
import { type GuestRecord, type Held, type HostRecord, read, readAll } from '../../src/daemon/records/records.ts'
import { promiseOf } from '../../src/plan/promised.ts'
import { SimHosts } from './several.ts'
import { plain } from './sites-farm.ts'

const gib = 1024 ** 3
const data = { uploads: { path: '/srv/files', sizeBytes: gib } }
const volumesOf = ({ store }: SimHosts) => readAll<VolumeRecord>(store, keys.allVolumes)
const hostOf = ({ key }: Held<VolumeRecord>) => key.split('/')[1] ?? ''

async function deploy(two: SimHosts, site: string, version: string): Promise<string | undefined> {
  await two.ask('ash', 'deploySite', { params: { site }, body: { version } })
  assert.ok(await two.until(async () => (await two.operations()).every(({ state }) => state !== 'running')))
  return (await two.operations()).findLast(({ verb }) => verb === 'deploy')?.error?.message
}

/** It runs on birch, and its data is there. */
async function withShop(): Promise<{ two: SimHosts; volume: Held<VolumeRecord> }> {
  const two = await SimHosts.open('ash', 'birch')
  for (const version of ['v1', 'v2']) await two.release(version, { ...plain, data })
  await two.ask('ash', 'addSite', { body: { name: 'shop/prod' } })
  await two.ask('ash', 'drainHost', { params: { host: 'ash' }, body: { drained: true } })
  assert.equal(await deploy(two, 'shop/prod', 'v1'), undefined)
  await two.ask('ash', 'drainHost', { params: { host: 'ash' }, body: { drained: false } })
  const [volume] = await volumesOf(two)
  assert.ok(volume)
  assert.equal(hostOf(volume), 'birch')
  two.birch.storage.write({ kind: 'volume', id: volume.value.id }, 'letter', 'dear')
  return { two, volume }
}

test('who loses its place on a host leaves nothing there', async () => {
  const two = await SimHosts.open('ash', 'birch')
  await two.release('v1', { ...plain, data, instances: { count: 1 } })
  const names = ['shop/aa', 'shop/bb']
  for (const name of names) await two.ask('ash', 'addSite', { body: { name } })
  let lost = 0
  for (const farm of two.hosts.values()) {
    const { transact } = farm.store
    // The room of the host that the first one chose goes before it is written.
    farm.store.transact = async (compare, writes) => {
      const made = writes.find((write) => 'put' in write && write.put.startsWith(keys.allGuests))
      if (!made || lost > 0) return transact(compare, writes)
      lost++
      const { host, spec } = (made as { value: GuestRecord }).value
      const record = (await read<HostRecord>(two.store, keys.host(host))) ?? assert.fail()
      const own = farm.machine.memory.totalBytes - promiseOf(spec).memoryBytes / 2
      const value = { ...record.value, overcommit: 1, reserveBytes: own }
      await two.store.transact([], [{ put: record.key, value }])
      return transact(compare, writes)
    }
  }
  await Promise.all(names.map((site) => deploy(two, site, 'v1')))
  assert.equal(lost, 1)
  const guests = (await readAll<GuestRecord>(two.store, keys.allGuests)).map(({ value }) => value)
  assert.equal(guests.length, 2)
  const has = guests.map(({ host, spec }) => `${host} ${spec.volumes?.[0]?.id}`).sort()
  assert.deepEqual((await volumesOf(two)).map((each) => `${hostOf(each)} ${each.value.id}`).sort(), has)
})

test('a record that was never made binds nothing, and goes; nor does one that is removed', async () => {
  const { two, volume } = await withShop()
  const { id } = volume.value
  const going = { ...volume.value, id: 'f'.repeat(32), deleting: true as const }
  const bound = { ...going, id: 'e'.repeat(32) }
  await two.store.transact(
    [],
    [
      { put: keys.volume('ash', id), value: volume.value },
      { put: keys.volume('ash', bound.id), value: bound },
      { put: keys.volumeStatus('ash', bound.id), value: { at: bound.created } },
    ],
  )
  assert.equal(await deploy(two, 'shop/prod', 'v2'), undefined)
  assert.deepEqual(new Set(Object.values(await two.guests())), new Set(['birch']))
  assert.equal(two.birch.storage.read({ kind: 'volume', id }, 'letter'), 'dear')
  const left = (await volumesOf(two)).filter(({ value }) => !value.deleting)
  assert.deepEqual(left.map(hostOf), ['birch'])
})

test('data on two hosts: refused with both named, and it serves as it did', async () => {
  const { two, volume } = await withShop()
  const before = await two.guests()
  const { id } = volume.value
  await two.store.transact(
    [],
    [
      { put: keys.volume('ash', id), value: volume.value },
      { put: keys.volumeStatus('ash', id), value: { at: volume.value.created } },
    ],
  )
  assert.match((await deploy(two, 'shop/prod', 'v2')) ?? '', /lasting data of shop\/prod lies on ash and birch/)
  assert.deepEqual(await two.guests(), before)
  assert.equal(two.birch.storage.read({ kind: 'volume', id }, 'letter'), 'dear')
})
