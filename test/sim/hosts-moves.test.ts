/** Stories of guests and hosts that come and go, each told as a log. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Host } from '../../src/api/host.ts'
import { keys } from '../../src/daemon/records/keys.ts'
import {
  type BlocksRecord,
  type GuestRecord,
  type NumbersRecord,
  read,
  readAll,
} from '../../src/daemon/records/records.ts'
import { assertGolden } from './golden.ts'
import { SimHosts } from './several.ts'
import { plain } from './sites-farm.ts'

const params = { guest: 'web' }
const move = (farm: SimHosts, guest = 'web', to = 'birch', by = 'ash') =>
  farm.ask(by, 'moveGuest', { params: { guest }, body: { to } })
const create = (farm: SimHosts, name: string, host: string, more: object = {}) =>
  farm.ask('ash', 'createGuest', { body: { name, template: 'debian:12', host, ...more } })

async function withWeb(farm: SimHosts): Promise<void> {
  await create(farm, 'web', 'ash', { ports: [{ hostPort: 8080, guestPort: 80 }] })
  await farm.pass(1)
  const [guest] = await readAll<GuestRecord>(farm.store, keys.allGuests)
  const { number = 0, spec } = guest?.value ?? {}
  farm.ash.storage.write({ kind: 'root', number, id: spec?.root.id ?? '' }, 'letter', 'dear reader')
  await farm.ask('ash', 'takeSnapshot', { params, body: { name: 'monday' } })
  await farm.pass(1)
}

/** Never two copies; at the end one, whole, and nothing of it on the others. */
async function settled(farm: SimHosts, where: string): Promise<void> {
  const over = await farm.until(async () => {
    assert.ok((await farm.copies(1)).length < 2, 'two copies run')
    const open = (await farm.operations()).some(({ state }) => state === 'running')
    return (await readAll(farm.store, keys.moves)).length === 0 && !open
  }, 200)
  assert.ok(over, `it does not end\n${farm.lines.slice(-40).join('\n')}`)
  await farm.pass(2)
  assert.deepEqual([(await farm.guests()).web, await farm.copies(1)], [where, [where]])
  for (const [name, host] of farm.hosts) {
    const { guests, staging } = await host.storage.inventory()
    const numbers = guests.map((each) => (typeof each === 'number' ? each : (each as { number: number }).number))
    assert.deepEqual([numbers.includes(1), staging], [name === where, []], name)
  }
}

/** Birch has another croft from now on. */
async function restart(farm: SimHosts, croft: SimHosts['birch']['croft']): Promise<void> {
  farm.lines.push(`       birch gets croft ${croft.version}`)
  farm.birch.kill()
  farm.birch.croft = croft
  await farm.birch.boot()
  await farm.pass(5)
}

const stories: Record<string, (farm: SimHosts) => Promise<void>> = {
  async 'a-move'(farm) {
    await withWeb(farm)
    await move(farm)
    await settled(farm, 'birch')
  },

  async 'a-move-whose-source-dies-before-the-switch'(farm) {
    await withWeb(farm)
    farm.ash.killAt('move.switch.before', 1)
    await move(farm)
    await farm.until(() => !farm.ash.isAlive)
    await farm.pass(20)
    assert.deepEqual(await farm.copies(1), [], 'nobody knows, so nobody starts it')
    await farm.ash.boot()
    await settled(farm, 'birch')
  },

  async 'a-move-whose-source-loses-power-behind-the-switch'(farm) {
    await withWeb(farm)
    farm.ash.killAt('move.switch.after', 1)
    await move(farm)
    await farm.until(() => !farm.ash.isAlive)
    await farm.powerOff('ash')
    await farm.pass(20)
    assert.deepEqual(await farm.copies(1), ['birch'], 'it is the other one’s')
    await farm.ash.boot()
    await settled(farm, 'birch')
  },

  async 'a-move-whose-target-dies'(farm) {
    await withWeb(farm)
    farm.birch.killAt('move.receive.before', 2)
    await move(farm)
    await farm.until(() => !farm.birch.isAlive)
    await farm.pass(5)
    assert.deepEqual(await farm.copies(1), ['ash'])
    await farm.birch.boot()
    await settled(farm, 'ash')
  },

  async 'a-move-whose-target-dies-when-it-is-the-owner'(farm) {
    await withWeb(farm)
    farm.ash.when('move.switch.after', () => void farm.powerOff('birch'))
    await move(farm)
    await farm.pass(90)
    assert.equal((await farm.guests()).web, 'birch')
    assert.deepEqual(await farm.copies(1), [])
    await farm.birch.boot()
    await settled(farm, 'birch')
  },

  async 'a-move-over-a-line-that-breaks'(farm) {
    await withWeb(farm)
    for (const passes of [150, 0]) {
      farm.passes = passes
      farm.lines.push(`       the line carries ${passes} bytes`)
      await move(farm)
      await farm.pass(5)
      await settled(farm, 'ash')
    }
    farm.lines.push('       the line is good')
    farm.passes = Number.POSITIVE_INFINITY
    await move(farm)
    await settled(farm, 'birch')
  },

  async 'a-move-and-the-wire-of-its-source-is-cut'(farm) {
    await withWeb(farm)
    for (const [point, where] of [
      ['move.quiet.after', 'birch'],
      ['move.switch.after', 'ash'],
    ] as const) {
      const [from = ''] = await farm.copies(1)
      farm.get(from).when(point, () => farm.cut(from))
      await move(farm, 'web', where)
      await farm.pass(30)
      assert.ok((await farm.copies(1)).length < 2)
      farm.mend(from)
      await settled(farm, where)
    }
  },

  async 'a-move-to-a-full-pool'(farm) {
    await withWeb(farm)
    farm.birch.storage.fill(true)
    await move(farm)
    await settled(farm, 'ash')
    farm.birch.storage.fill(false)
    await move(farm)
    await settled(farm, 'birch')
  },

  async 'a-move-to-an-older-croft'(farm) {
    await withWeb(farm)
    const { croft } = farm.birch
    await restart(farm, { version: '0.0.9', abilities: [] })
    await farm.ask('birch', 'createGuest', { body: { name: 'data1', template: 'debian:12', host: 'birch' } })
    await farm.ask('birch', 'actGuest', { params, body: { do: 'restart' } })
    await farm.pass(3)
    await move(farm)
    await settled(farm, 'ash')
    await restart(farm, croft)
    await move(farm)
    await settled(farm, 'birch')
  },

  async 'two-guests-change-places'(farm) {
    await withWeb(farm)
    await create(farm, 'data1', 'birch')
    await farm.pass(3)
    await Promise.all([move(farm), move(farm, 'data1', 'ash', 'cedar')])
    await settled(farm, 'birch')
    assert.deepEqual(await farm.guests(), { data1: 'ash', web: 'birch' })
  },

  async 'a-full-farm-is-drained'(farm) {
    for (const host of farm.hosts.keys()) {
      await farm.ask('ash', 'changeHost', { params: { host }, body: { reserve: '12G' } })
      await create(farm, `big-${host}`, host, { memory: '3G' })
    }
    await farm.pass(3)
    await farm.ask('cedar', 'drainHost', { params: { host: 'ash' }, body: { drained: true } })
    await move(farm, 'big-ash', 'birch')
    await farm.ask('birch', 'createGuest', { body: { name: 'one-more', template: 'debian:12', memory: '2G' } })
    await farm.pass(5)
    assert.deepEqual(await farm.guests(), { 'big-ash': 'ash', 'big-birch': 'birch', 'big-cedar': 'cedar' })
    farm.lines.push('       birch gets memory')
    await farm.ask('ash', 'changeHost', { params: { host: 'birch' }, body: { reserve: '8G' } })
    await move(farm, 'big-ash', 'birch')
    await farm.pass(10)
    assert.equal((await farm.guests())['big-ash'], 'birch')
    assert.deepEqual(await farm.copies(1), ['birch'])
  },

  async 'declared-dead-and-it-comes-back'(farm) {
    await create(farm, 'web', 'cedar')
    await farm.pass(3)
    await farm.ask('ash', 'declareDead', { params: { host: 'cedar' } })
    await farm.powerOff('cedar')
    await farm.pass(5)
    await farm.ask('ash', 'declareDead', { params: { host: 'cedar' } })
    await farm.pass(15)
    await farm.ask('ash', 'declareDead', { params: { host: 'cedar' } })
    await farm.ask('birch', 'actGuest', { params, body: { do: 'restart' } })
    await create(farm, 'late', 'cedar')
    await assert.rejects(farm.cedar.boot(), /this host was declared dead/)
    await farm.pass(10)
    const hosts = (await farm.ask('ash', 'listHosts')) as Host[]
    assert.deepEqual(
      hosts.map(({ name, state }) => `${name} ${state}`),
      ['ash up', 'birch up', 'cedar dead'],
    )
    assert.deepEqual(await farm.guests(), { web: 'cedar' }, 'what it has is not forgotten')
  },

  async 'a-host-leaves'(farm) {
    await create(farm, 'web', 'cedar')
    await farm.pass(3)
    await farm.leave('cedar')
    await farm.ask('ash', 'drainHost', { params: { host: 'cedar' }, body: { drained: true } })
    await move(farm, 'web', 'ash', 'birch')
    await farm.until(async () => (await farm.guests()).web === 'ash')
    await farm.until(async () => (await readAll(farm.store, keys.moves)).length === 0)
    await farm.leave('cedar')
    await farm.pass(20)
    assert.deepEqual(
      ((await farm.ask('ash', 'listHosts')) as Host[]).map(({ name }) => name),
      ['ash', 'birch'],
    )
    const blocks = async () => (await read<BlocksRecord>(farm.store, keys.blocks))?.value.taken
    assert.deepEqual(await blocks(), { 0: 'ash', 1: 'birch', 2: 'ash' }, 'the guest has its number still')
    farm.lines.push('       and a host of that name comes anew')
    assert.equal((await farm.join('cedar', await farm.invite()))?.number, 3)
    await farm.pass(5)
    await farm.ask('birch', 'deleteGuest', { params })
    await farm.pass(5)
    const numbers = (await read<NumbersRecord>(farm.store, keys.numbers('ash')))?.value
    assert.deepEqual([numbers?.used, numbers?.slots, numbers?.resting.map(([number]) => number)], [[], [], [513]])
    assert.deepEqual(await blocks(), { 0: 'ash', 1: 'birch', 2: 'ash', 3: 'cedar' })
  },

  async 'a-site-moves-with-its-data-and-its-host-leaves'(farm) {
    const site = { site: 'shop/prod' }
    const data = { uploads: { path: '/srv/files', sizeBytes: 1024 ** 3 } }
    for (const host of ['ash', 'birch'])
      await farm.ask('ash', 'drainHost', { params: { host }, body: { drained: true } })
    await farm.ask('ash', 'addSite', { body: { name: site.site } })
    await farm.release('v1', { ...plain, data })
    await farm.ask('birch', 'deploySite', { params: site, body: { version: 'v1' } })
    const deployed = async () => (await farm.operations()).find(({ verb }) => verb === 'deploy')?.state === 'done'
    assert.ok(await farm.until(deployed), farm.lines.join('\n'))
    for (const host of ['ash', 'birch'])
      await farm.ask('ash', 'drainHost', { params: { host }, body: { drained: false } })
    farm.lines.splice(0)
    await farm.ask('ash', 'moveSite', { params: site, body: { to: 'birch' } })
    const over = async () => (await readAll(farm.store, keys.moves)).length === 0
    assert.ok(await farm.until(over), farm.lines.join('\n'))
    await farm.pass(5)
    assert.deepEqual(await farm.guests(), { 'shop/prod/1': 'birch', 'shop/prod/2': 'birch' })
    assert.equal(await farm.leave('birch'), false)
    assert.equal(await farm.leave('cedar'), true)
  },

  async 'a-guest-comes-while-its-host-leaves'(farm) {
    const [left] = await Promise.all([farm.leave('cedar'), create(farm, 'web', 'cedar')])
    await farm.pass(10)
    const { web } = await farm.guests()
    assert.equal(left, web === undefined, 'one of the two')
  },
}

for (const [name, story] of Object.entries(stories))
  test(name, async () => {
    const farm = await SimHosts.open('ash', 'birch', 'cedar')
    await story(farm)
    assertGolden(`hosts/${name}`, farm.lines)
  })
