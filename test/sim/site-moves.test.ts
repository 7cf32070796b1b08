/** Lasting data of a site goes from ash to birch with the instances that have it: whole or not at all, wherever a daemon dies. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Site } from '../../src/api/site.ts'
import type { SiteRecord, VolumeRecord } from '../../src/daemon/records/app-records.ts'
import { keys } from '../../src/daemon/records/keys.ts'
import { type GuestRecord, type NumbersRecord, read, readAll } from '../../src/daemon/records/records.ts'
import type { SimFarm } from './farm.ts'
import { SimHosts } from './several.ts'
import { plain } from './sites-farm.ts'

const site = 'shop/prod'
const params = { site }
const gib = 1024 ** 3
const data = { uploads: { path: '/srv/files', sizeBytes: gib }, mail: { path: '/srv/mail', sizeBytes: 2 * gib } }

async function withShop(): Promise<SimHosts> {
  const two = await SimHosts.open('ash', 'birch')
  await two.release('v1', { ...plain, data })
  await two.ask('ash', 'addSite', { body: { name: site } })
  await two.ask('ash', 'deploySite', { params, body: { version: 'v1' } })
  assert.ok(await two.until(async () => (await shop(two)).state === 'serves'), two.lines.join('\n'))
  for (const { value } of await volumesOf(two))
    two.get(await where(two)).storage.write({ kind: 'volume', id: value.id }, 'letter', value.name)
  if ((await where(two)) !== 'ash') {
    await move(two, 'ash')
    await over(two)
  }
  return two
}

const shop = async (two: SimHosts) => (await two.ask('ash', 'getSite', { params })) as Site
const volumesOf = ({ store }: SimHosts) => readAll<VolumeRecord>(store, keys.allVolumes)
const instances = async ({ store }: SimHosts): Promise<readonly GuestRecord[]> =>
  (await readAll<GuestRecord>(store, keys.allGuests)).map(({ value }) => value)
async function where(two: SimHosts): Promise<string> {
  const hosts = new Set((await volumesOf(two)).map(({ key }) => key.split('/')[1]))
  assert.equal(hosts.size, 1, 'all of it is at one place')
  return [...hosts][0] ?? ''
}
const move = (two: SimHosts, to = 'birch', more: object = {}) =>
  two.ask('ash', 'moveSite', { params, body: { to, ...more } })
const isLive = async ({ runtime }: SimFarm, number: number) =>
  ((await runtime.observe(number))?.state ?? 'stopped') !== 'stopped'
const lastOp = async (two: SimHosts) => (await two.operations()).findLast(({ verb }) => verb === 'move')

/** One copy of each at any moment. */
async function over(two: SimHosts): Promise<void> {
  const ended = await two.until(async () => {
    for (const { number } of await instances(two))
      assert.ok((await two.copies(number)).length < 2, `two copies of ${number} run`)
    const open = (await two.operations()).some(({ state }) => state === 'running')
    return (await readAll(two.store, keys.moves)).length === 0 && !open
  }, 200)
  assert.ok(ended, `it does not end\n${two.lines.slice(-60).join('\n')}`)
  await two.pass(6)
}

/** All of it on one host, nothing on the other, and it serves. */
async function settled(two: SimHosts, at: string): Promise<void> {
  await over(two)
  assert.equal(await where(two), at, two.lines.slice(-40).join('\n'))
  const other = at === 'ash' ? two.birch : two.ash
  const there = two.get(at)
  assert.equal((await read<SiteRecord>(two.store, keys.site(site)))?.value.moving, undefined)
  const guests = await instances(two)
  assert.deepEqual(
    guests.map(({ name, host, moving }) => ({ name, host, moving })),
    [1, 2].map((slot) => ({ name: `${site}/${slot}`, host: at, moving: undefined })),
  )
  for (const { number, spec } of guests) {
    assert.deepEqual([await isLive(there, number), await isLive(other, number)], [true, false])
    assert.deepEqual((await there.storage.holdings(number)).roots, [spec.root.id])
    assert.deepEqual((await there.storage.holdings(number)).snapshots, [])
  }
  for (const { value } of await volumesOf(two)) {
    const volume = { kind: 'volume', id: value.id } as const
    assert.equal(there.storage.read(volume, 'letter'), value.name)
    assert.equal((await there.storage.usage(volume))?.limitBytes, value.sizeBytes, 'its quota holds there')
    assert.ok((await two.store.get(keys.volumeStatus(at, value.id))).entry)
  }
  const { guests: left, volumes, staging } = await other.storage.inventory()
  assert.deepEqual([left, volumes, staging], [[], [], []])
  assert.deepEqual([await two.ash.left(), await two.birch.left()], [[], []])
  const numbers = async (name: string) => (await read<NumbersRecord>(two.store, keys.numbers(name)))?.value
  assert.deepEqual((await numbers(at))?.slots.toSorted(), guests.map(({ slot }) => slot).toSorted())
  assert.deepEqual(
    [(await numbers(other.hostName))?.slots, (await numbers(other.hostName))?.promised?.memoryBytes ?? 0],
    [[], 0],
  )
  const seeds = (await readAll(two.store, 'seeds/')).map(({ key }) => key)
  assert.deepEqual(
    seeds,
    guests.map(({ number }) => keys.seed(at, number)),
  )
  assert.equal((await shop(two)).state, 'serves')
}

describe('moves of sites', () => {
  test('there and back, with what they wrote; instances are made anew from their release', async () => {
    const two = await withShop()
    const before = await instances(two)
    await move(two)
    await settled(two, 'birch')
    const op = await lastOp(two)
    assert.equal(op?.state, 'done')
    assert.match(
      op?.log.join('\n') ?? '',
      /^mail: copy .*\nuploads: copy .*\nmail: last .*\nuploads: last .*\nstart: shop\/prod on birch: down \d+\.\d s, same addresses$/,
    )
    const told = (all: readonly GuestRecord[]) => all.map(({ name, number, id }) => ({ name, number, id }))
    assert.deepEqual(told(await instances(two)), told(before))
    await move(two, 'ash')
    await settled(two, 'ash')
  })

  const steps = ['take', 'send', 'quiet', 'land', 'switch'].flatMap((step) => [
    `move.${step}.before`,
    `move.${step}.after`,
  ])
  for (const name of [...steps, 'move.clear.before', 'move.clear.after'])
    test(`its host dies at ${name}`, async () => {
      const two = await withShop()
      two.ash.killAt(name, 1)
      await move(two)
      await two.until(async () => !two.ash.isAlive)
      assert.equal(two.ash.isAlive, false, 'it was passed')
      await two.ash.boot()
      await settled(two, 'birch')
    })

  for (const name of ['move.receive.before', 'move.receive.after'])
    for (const count of [1, 3])
      test(`the other host dies at ${name}, the ${count}. time`, async () => {
        const two = await withShop()
        two.birch.killAt(name, count)
        await move(two)
        await two.until(async () => !two.birch.isAlive)
        await two.pass(5)
        for (const { number } of await instances(two)) assert.deepEqual(await two.copies(number), ['ash'])
        await two.birch.boot()
        await settled(two, 'ash')
      })

  for (const passes of [0, 90])
    test(`the line breaks after ${passes} bytes`, async () => {
      const two = await withShop()
      two.passes = passes
      await move(two)
      await settled(two, 'ash')
      two.passes = Number.POSITIVE_INFINITY
      await move(two)
      await settled(two, 'birch')
    })
})
