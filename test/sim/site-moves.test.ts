/** Lasting data of a site goes from ash to birch with the instances that have it: whole or not at all, wherever a daemon dies. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { PlannedStep } from '../../src/api/resources.ts'
import type { Site } from '../../src/api/site.ts'
import type { SiteRecord, VolumeRecord } from '../../src/daemon/records/app-records.ts'
import { keys } from '../../src/daemon/records/keys.ts'
import {
  type FactsRecord,
  type GuestRecord,
  type NumbersRecord,
  read,
  readAll,
} from '../../src/daemon/records/records.ts'
import type { Versions } from '../../src/plan/versions.ts'
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
      /^bring the template shop:v1 to birch\nmail: copy .*\nuploads: copy .*\nmail: last .*\nuploads: last .*\nstart: shop\/prod on birch: down \d+\.\d s, same addresses$/,
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
      // Its release is there already, from before.
      await move(two)
      await over(two)
      await move(two, 'ash')
      await over(two)
      two.passes = passes
      await move(two)
      await settled(two, 'ash')
      two.passes = Number.POSITIVE_INFINITY
      await move(two)
      await settled(two, 'birch')
    })

  test('somebody wants it no more', async () => {
    for (const seconds of [0, 0.15, 0.3]) {
      const two = await withShop()
      const { operation } = (await move(two)) as { operation: { id: string } }
      await two.pass(seconds)
      await two.ask('ash', 'cancelOperation', { params: { operation: operation.id } })
      await over(two)
      const state = (await lastOp(two))?.state
      await settled(two, state === 'cancelled' ? 'ash' : 'birch')
    }
  })

  test('one that is stopped goes, and stays so', async () => {
    const two = await withShop()
    await two.ask('ash', 'actSite', { params, body: { do: 'stop' } })
    assert.ok(await two.until(async () => (await two.copies(1)).length + (await two.copies(2)).length === 0))
    await over(two)
    await move(two)
    await over(two)
    assert.deepEqual([await where(two), (await shop(two)).state], ['birch', 'stopped'])
    await two.ask('ash', 'actSite', { params, body: { do: 'start' } })
    await settled(two, 'birch')
  })

  test('while it is on its way nobody changes it; what is then made of it is made there', async () => {
    const two = await withShop()
    const [volume] = await volumesOf(two)
    await two.release('v2', { ...plain, data })
    const { operation } = (await move(two)) as { operation: { id: string } }
    const of = { host: 'ash', volume: volume?.value.id ?? '' }
    const changes = [
      ['deploySite', { params, body: { version: 'v2' } }],
      ['actSite', { params, body: { do: 'stop' } }],
      ['changeConfig', { params, body: { set: { 'env.A': 'b' } } }],
      ['removeSite', { params, query: { discardData: '1' } }],
      ['removeVolume', { params: of }],
      ['moveSite', { params, body: { to: 'birch' } }],
      ['actGuest', { params: { guest: `${site}/1` }, body: { do: 'kill' } }],
    ] as const
    for (const [route, asked] of changes) {
      await two.begin('ash', route, asked)
      assert.match(
        two.lines.at(-1) ?? '',
        /BUSY: (site "shop\/prod"|guest "shop\/prod\/1") is on its way to birch/,
        route,
      )
    }
    assert.equal((await two.operations()).find(({ id }) => id === operation.id)?.state, 'running')
    await settled(two, 'birch')
    await two.ask('ash', 'deploySite', { params, body: { version: 'v2' } })
    await over(two)
    const guests = await instances(two)
    assert.deepEqual(
      guests.map(({ name, host, spec }) => [name, host, spec.template]),
      [3, 4].map((slot) => [`${site}/${slot}`, 'birch', 'shop:v2']),
    )
    for (const { value } of await volumesOf(two))
      assert.equal(two.birch.storage.read({ kind: 'volume', id: value.id }, 'letter'), value.name)
  })

  test('refused with the reason, and nothing is changed', async () => {
    const two = await withShop()
    const refused = async (words: RegExp, to = 'birch') => {
      await move(two, to)
      assert.match(two.lines.findLast((line) => line.includes('→')) ?? '', words)
    }
    await refused(/REFUSED: shop\/prod cannot move: it is on ash/, 'ash')
    await refused(/NOT_FOUND: no host "elm"/, 'elm')
    await two.ask('ash', 'moveGuest', { params: { guest: `${site}/1` }, body: { to: 'birch' } })
    assert.match(two.lines.at(-1) ?? '', /REFUSED: shop\/prod\/1 goes with the lasting data of shop\/prod/)
    two.birch.storage.fill(true)
    await refused(/POOL_FULL: the data needs/)
    two.birch.storage.fill(false)
    const [volume] = await volumesOf(two)
    await two.birch.storage.create({ kind: 'volume', id: volume?.value.id ?? '' })
    await refused(/REFUSED: disks or data of shop\/prod\/1 lie on birch already/)
    await two.birch.storage.remove({ kind: 'volume', id: volume?.value.id ?? '' })
    const versions = await read<Versions>(two.store, keys.versions)
    const older = {
      ...versions?.value,
      hosts: { ...versions?.value.hosts, birch: { version: '0.0.9', abilities: [] } },
    }
    await two.store.transact([], [{ put: keys.versions, value: older }])
    await two.pass(0.5)
    await refused(/HOST_TOO_OLD: birch/)
    await two.store.transact([], [{ put: keys.versions, value: versions?.value }])
    await two.release('v2', { ...plain, data })
    await two.begin('ash', 'deploySite', { params, body: { version: 'v2' } })
    await refused(/BUSY: shop\/prod is being deployed/)
    await over(two)
    await two.release('v3')
    await two.ask('ash', 'addSite', { body: { name: 'shop/test' } })
    await two.ask('ash', 'deploySite', { params: { site: 'shop/test' }, body: { version: 'v3' } })
    await over(two)
    await two.ask('ash', 'moveSite', { params: { site: 'shop/test' }, body: { to: 'birch' } })
    assert.match(
      two.lines.at(-1) ?? '',
      /REFUSED: shop\/test has no lasting data: its instances are placed by themselves/,
    )
    await two.ask('ash', 'moveGuest', { params: { guest: 'shop/test/1' }, body: { to: 'birch' } })
    assert.match(two.lines.at(-1) ?? '', /REFUSED: shop\/test\/1 has no lasting data: instances of shop\/test/)
    assert.equal(await where(two), 'ash')
    assert.equal((await readAll(two.store, keys.moves)).length, 0)
  })

  const recordThere = async (two: SimHosts, made = false, more: object = {}) => {
    const [volume] = (await volumesOf(two)).filter(({ key }) => key.startsWith(keys.volumes('ash')))
    assert.ok(volume)
    const { id, created } = volume.value
    const status = { put: keys.volumeStatus('birch', id), value: { at: created } }
    await two.store.transact(
      [],
      [{ put: keys.volume('birch', id), value: { ...volume.value, ...more } }, ...(made ? [status] : [])],
    )
  }

  test('a record there, where nothing lies, is taken over; data there is a refusal, and so is what is being removed', async () => {
    const two = await withShop()
    two.birch.killAt('removeVolume.before', 1)
    await recordThere(two, false, { deleting: true })
    assert.ok(await two.until(() => !two.birch.isAlive))
    await move(two)
    assert.match(two.lines.at(-1) ?? '', /BUSY: shop\/prod:\w+ is still being removed on birch/)
    await two.birch.boot()
    assert.ok(await two.until(async () => (await volumesOf(two)).length === 2))
    await recordThere(two, true)
    await move(two)
    assert.match(two.lines.at(-1) ?? '', /REFUSED: lasting data of shop\/prod lies on ash and birch/)
    assert.equal((await readAll(two.store, keys.moves)).length, 0)
    const [volume] = await readAll<VolumeRecord>(two.store, keys.volumes('birch'))
    await two.store.transact([], [{ delete: keys.volumeStatus('birch', volume?.value.id ?? '') }])
    await move(two)
    await settled(two, 'birch')
  })

  test('what stands in the way of a step each time ends the move, and it serves where it was', async () => {
    const two = await withShop()
    await move(two)
    await recordThere(two, true)
    await over(two)
    const op = await lastOp(two)
    assert.deepEqual([op?.state, op?.error?.code], ['failed', 'CHANGED_MEANWHILE'])
    assert.match(op?.error?.message ?? '', /shop\/prod stays on ash/)
    const there = (await readAll<VolumeRecord>(two.store, keys.volumes('birch'))).flatMap(({ key, value }) => [
      { delete: key },
      { delete: keys.volumeStatus('birch', value.id) },
    ])
    await two.store.transact([], there)
    // What came is kept where a record tells of it.
    for (const { value } of await volumesOf(two)) await two.birch.storage.remove({ kind: 'volume', id: value.id })
    await settled(two, 'ash')
  })

  const drain = (two: SimHosts, host: string, more: object = {}, query: Record<string, string> = {}) =>
    two.ask('ash', 'drainHost', { params: { host }, body: { drained: true, move: true, ...more }, query }) as Promise<
      { steps?: PlannedStep[] } | undefined
    >

  test('a host is emptied: data and instances go as one, beside guests', async () => {
    const two = await withShop()
    await two.ask('ash', 'createGuest', { body: { name: 'web', template: 'debian:12', host: 'ash' } })
    const dry = await drain(two, 'ash', {}, { dryRun: '1' })
    assert.deepEqual(
      dry?.steps?.map(({ what, step }) => `${what} ${step}`),
      ['ash drain', 'shop/prod move', 'web move'],
    )
    await drain(two, 'ash')
    await over(two)
    assert.deepEqual(await two.guests(), { [`${site}/1`]: 'birch', [`${site}/2`]: 'birch', web: 'birch' })
    const op = (await two.operations()).findLast(({ verb }) => verb === 'drain')
    assert.equal(op?.state, 'done', JSON.stringify(op))
    assert.match(
      op?.log.join('\n') ?? '',
      /^1 of 3: shop\/prod goes to birch\nshop\/prod on birch: down .*\n3 of 3: web goes .*\n.*\nash is empty: 3 guests were moved$/,
    )
    await two.ask('birch', 'deleteGuest', { params: { guest: 'web' } })
    await settled(two, 'birch')
  })

  for (const name of ['drain.move.before', 'move.send.after', 'move.switch.after', 'drain.end.before'])
    test(`a host is emptied, and its daemon dies at ${name}`, async () => {
      const two = await withShop()
      two.ash.killAt(name, 1)
      await drain(two, 'ash')
      await two.until(async () => !two.ash.isAlive)
      assert.equal(two.ash.isAlive, false, 'it was passed')
      await two.ash.boot()
      await settled(two, 'birch')
      assert.equal((await two.operations()).findLast(({ verb }) => verb === 'drain')?.state, 'done')
    })

  test('data that fits nowhere is told before anything is changed', async () => {
    const two = await withShop()
    const facts = await read<FactsRecord>(two.store, keys.facts('birch'))
    const full = { ...facts?.value, pools: { default: { totalBytes: 2 ** 40, freeBytes: 2 ** 40 / 20 } } }
    await two.store.transact([], [{ put: keys.facts('birch'), value: full }])
    await drain(two, 'ash')
    assert.match(
      two.lines.at(-1) ?? '',
      /NO_ROOM: 1 of 1 guests cannot leave ash, so nothing was changed \(shop\/prod: no host can take it \(birch: 11 of data do not fit/,
    )
    await settled(two, 'ash')
  })
})
