import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keys } from '../../src/daemon/records/keys.ts'
import type { GuestRecord } from '../../src/daemon/records/records.ts'
import { quiet } from './clock.ts'
import { SimFarm } from './farm.ts'
import { assertGolden } from './golden.ts'

const web = { params: { guest: 'web' } }

const stories: Record<string, (farm: SimFarm) => Promise<void>> = {
  async 'guest-starts'(farm) {
    await farm.ask('createGuest', { body: { name: 'web', template: 'debian:12', memory: '1G' } })
    await farm.pass(60)
    assert.equal(await farm.stateOf('web'), 'running')
  },

  async 'init-dies-at-once'(farm) {
    farm.runtime.behave(1, { diesAfterMs: 200 })
    await farm.ask('createGuest', { body: { name: 'web', template: 'debian:12' } })
    await farm.pass(120)
    assert.deepEqual([await farm.stateOf('web'), farm.runtime.starts(1)], ['failed', 5])
    farm.say('people', 'mend it and ask again')
    farm.runtime.behave(1, {})
    await farm.ask('actGuest', { ...web, body: { do: 'start' } })
    await farm.pass(60)
    assert.deepEqual([await farm.stateOf('web'), farm.runtime.starts(1)], ['running', 6])
  },

  async 'start-fails'(farm) {
    farm.runtime.behave(1, { startFails: 'cgfsng: no room' })
    await farm.ask('createGuest', { body: { name: 'web', template: 'debian:12' } })
    await farm.pass(5)
    farm.runtime.behave(1, {})
    await farm.pass(10)
    assert.equal(await farm.stateOf('web'), 'running')
  },

  async 'guest-dies-by-itself'(farm) {
    await running(farm)
    for (let death = 0; death < 7; death++) {
      await farm.pass(60)
      farm.say('guest', '1 dies')
      farm.runtime.die(1)
    }
    await farm.pass(10)
    assert.deepEqual([await farm.stateOf('web'), farm.runtime.starts(1)], ['running', 8])
  },

  async 'stop-that-hangs'(farm) {
    await running(farm)
    farm.runtime.behave(1, { ignoresStop: true })
    await farm.ask('actGuest', { ...web, body: { do: 'stop' } })
    await farm.pass(29)
    assert.equal((await farm.runtime.observe(1))?.state, 'running')
    await farm.pass(5)
    assert.equal(await farm.stateOf('web'), 'stopped')
  },

  async 'stop-before-init-listens'(farm) {
    farm.runtime.behave(1, { deafForMs: 6_000 })
    await running(farm)
    await farm.ask('actGuest', { ...web, body: { do: 'stop' } })
    await farm.pass(9)
    assert.equal(await farm.stateOf('web'), 'stopped')
  },

  async 'uplink-changes'(farm) {
    await running(farm)
    await farm.ask('createGuest', { body: { name: 'own', template: 'debian:12', mtu: 1400 } })
    await farm.pass(3)
    farm.say('host', 'gets an uplink of 9000 bytes')
    for (const link of ['croft1', 'croft2']) farm.network.addLink(link)
    farm.network.become({ mtu: 9000 })
    await farm.pass(40)
    assert.deepEqual([farm.network.endOf('croft1')?.mtu, farm.network.endOf('croft2')], [9000, undefined])
    assert.deepEqual([farm.runtime.starts(1), farm.runtime.starts(2)], [1, 1])
  },

  async 'stop-and-restart'(farm) {
    await running(farm)
    await farm.ask('actGuest', { ...web, body: { do: 'restart' } })
    await farm.pass(5)
    await farm.ask('actGuest', { ...web, body: { do: 'freeze' } })
    await farm.ask('actGuest', { ...web, body: { do: 'stop' } })
    await farm.pass(5)
    assert.deepEqual([await farm.stateOf('web'), farm.runtime.starts(1)], ['stopped', 2])
  },

  async 'restore-while-running'(farm) {
    await running(farm)
    await farm.ask('takeSnapshot', { ...web, body: { name: 'monday' } })
    const before = farm.runtime.rootOf(1)
    await farm.ask('restoreSnapshot', { params: { guest: 'web', snapshot: 'monday' } })
    await farm.pass(60)
    assert.notEqual(farm.runtime.rootOf(1), before)
    assert.equal((await farm.storage.holdings(1)).roots.length, 1)
  },

  async 'disk-is-lost'(farm) {
    await running(farm)
    farm.say('people', 'delete the disk behind croft’s back')
    const [id = ''] = (await farm.storage.holdings(1)).roots
    await farm.storage.remove({ kind: 'root', number: 1, id })
    farm.runtime.die(1)
    await farm.pass(100)
    assert.deepEqual([await farm.stateOf('web'), (await farm.storage.holdings(1)).roots], ['failed', []])
  },

  async 'pool-is-away'(farm) {
    await running(farm)
    await farm.ask('createGuest', { body: { name: 'data1', template: 'debian:12' } })
    await farm.pass(3)
    await onSpare(farm, 2)
    farm.say('host', 'loses power, and comes back without a disk')
    farm.kill()
    for (const number of [1, 2]) farm.runtime.die(number)
    farm.firewall.flush()
    farm.storage.detach('mount: /pool: cannot read superblock on /dev/vdb.')
    await farm.boot()
    await farm.pass(120)
    assert.deepEqual([await farm.stateOf('web'), await farm.stateOf('data1')], ['waits', 'running'])
    await farm.ask('actGuest', { ...web, body: { do: 'start' } })
    await farm.ask('takeSnapshot', { ...web, body: { name: 'monday' } })
    await farm.ask('createGuest', { body: { name: 'late', template: 'debian:12' } })
    await farm.pass(3)
    assert.deepEqual(await farm.left(), [
      'web: fail (pool default is away: mount: /pool: cannot read superblock on /dev/vdb.)',
      'late: fail (pool default is away: mount: /pool: cannot read superblock on /dev/vdb.)',
      'pool default: mount (pool default is away: mount: /pool: cannot read superblock on /dev/vdb.)',
    ])
    await farm.ask('actGuest', { params: { guest: 'late' }, body: { do: 'stop' } })
    await farm.pass(3)
    farm.say('people', 'attach the disk again')
    farm.storage.detach(undefined)
    await farm.pass(31)
    assert.deepEqual([await farm.stateOf('web'), await farm.stateOf('data1')], ['running', 'running'])
    assert.deepEqual(await farm.left(), [])
  },

  async 'pool-takes-a-minute-to-mount'(farm) {
    await running(farm)
    await farm.ask('createGuest', { body: { name: 'data1', template: 'debian:12' } })
    await farm.pass(3)
    await onSpare(farm, 2)
    farm.say('host', 'loses power, and comes back with a disk that takes its time')
    farm.kill()
    for (const number of [1, 2]) farm.runtime.die(number)
    farm.firewall.flush()
    farm.storage.detach(undefined)
    const { open } = farm.storage
    const disk = Promise.withResolvers<void>()
    farm.storage.open = () => disk.promise.then(open)
    const booting = farm.boot()
    for (let turn = 0; turn < 20; turn++) await quiet()
    await farm.pass(5)
    await booting
    await quiet()
    await farm.pass(35)
    assert.deepEqual([await farm.stateOf('web'), await farm.stateOf('data1')], ['waits', 'running'])
    farm.say('disk', 'is there')
    disk.resolve()
    await farm.pass(1)
    assert.equal(await farm.stateOf('web'), 'running')
  },

  async 'pool-unmounted-below-its-guests'(farm) {
    await running(farm)
    farm.say('people', 'unmount the pool and pull the disk')
    farm.storage.detach('mount: /pool: no such device')
    await farm.pass(31)
    assert.equal(await farm.stateOf('web'), 'running', 'it lives, and nobody touches it')
    await farm.ask('actGuest', { ...web, body: { do: 'restart' } })
    await farm.pass(5)
    assert.deepEqual([await farm.stateOf('web'), farm.runtime.starts(1)], ['waits', 1])
    assert.equal((await farm.runtime.observe(1))?.state, 'running', 'what could not start again is not stopped')
    await farm.ask('actGuest', { ...web, body: { do: 'stop' } })
    await farm.pass(5)
    assert.equal(await farm.runtime.observe(1).then((seen) => seen?.state), 'stopped')
    await farm.ask('deleteGuest', web)
    await farm.pass(5)
    assert.equal(await farm.stateOf('web'), 'waits', 'its disk cannot go')
    farm.say('people', 'plug the disk in again')
    farm.storage.detach(undefined)
    await farm.pass(31)
    assert.equal(await farm.stateOf('web'), 'gone')
  },

  async 'two-clients-one-guest'(farm) {
    await running(farm)
    const change = (body: object, query = {}) => farm.ask('changeGuest', { ...web, body, query })
    await Promise.all([change({ memory: '2G' }), change({ labels: { owner: 'lark' } }), change({ cpu: 3 })])
    await farm.pass(5)
    await change({ memory: '3G' }, { ifRevision: '1' })
    await farm.pass(5)
  },

  async 'store-goes-away'(farm) {
    await running(farm)
    farm.say('store', 'cannot be reached')
    farm.store.reachable(false)
    farm.say('guest', '1 dies')
    farm.runtime.die(1)
    await farm.ask('actGuest', { ...web, body: { do: 'stop' } })
    await farm.pass(12)
    farm.say('store', 'is back')
    farm.store.reachable(true)
    await farm.pass(10)
    assert.deepEqual([await farm.stateOf('web'), farm.runtime.starts(1)], ['running', 2])
    await farm.ask('actGuest', { ...web, body: { do: 'stop' } })
    await farm.pass(5)
    assert.equal(await farm.stateOf('web'), 'stopped')
  },

  async 'clock-goes-back'(farm) {
    await running(farm)
    farm.runtime.behave(1, { ignoresStop: true })
    await farm.ask('actGuest', { ...web, body: { do: 'stop' } })
    await farm.pass(10)
    farm.say('clock', 'is set back an hour')
    farm.clock.jump(-3_600_000)
    await farm.pass(25)
    assert.equal(await farm.stateOf('web'), 'stopped')
    await farm.ask('deleteGuest', web)
    await farm.ask('createGuest', { body: { name: 'web', template: 'debian:12' } })
    await farm.pass(5)
    assert.equal(await farm.stateOf('web'), 'running')
    assert.equal(await farm.runtime.observe(1), undefined, 'its number rests')
  },

  async 'host-reboots'(farm) {
    for (const [name, order, autostart] of [
      ['web', 5, true],
      ['data1', -5, true],
      ['lab', 0, false],
    ])
      await farm.ask('createGuest', { body: { name, template: 'debian:12', order, autostart } })
    await farm.pass(10)
    farm.say('host', 'loses power, and comes back')
    farm.kill()
    for (const number of [1, 2, 3]) farm.runtime.die(number)
    farm.firewall.flush()
    await farm.pass(30)
    await farm.boot()
    await farm.pass(60)
    const states = await Promise.all(['web', 'data1', 'lab'].map((name) => farm.stateOf(name)))
    assert.deepEqual(states, ['running', 'running', 'stopped'])
    await farm.ask('actGuest', { params: { guest: 'lab' }, body: { do: 'start' } })
    await farm.pass(5)
    assert.equal(await farm.stateOf('lab'), 'running')
  },

  async 'firewall-flushed-from-outside'(farm) {
    await running(farm)
    farm.say('people', 'flush the ruleset')
    farm.firewall.flush()
    await farm.pass(31)
    assert.deepEqual(
      farm.firewall.model?.guests.map(({ number }) => number),
      [1],
    )
  },

  async 'daemon-killed-in-a-restart'(farm) {
    await running(farm)
    farm.killAfter(2)
    await farm.ask('actGuest', { ...web, body: { do: 'restart' } })
    await farm.pass(10)
    await farm.boot()
    await farm.pass(60)
    assert.deepEqual([await farm.stateOf('web'), farm.runtime.starts(1)], ['running', 2])
  },
}

async function running(farm: SimFarm): Promise<void> {
  await farm.ask('createGuest', { body: { name: 'web', template: 'debian:12' } })
  await farm.pass(3)
  assert.equal(await farm.stateOf('web'), 'running')
}

/** As if its disk had been on the other pool from the start. */
async function onSpare(farm: SimFarm, number: number): Promise<void> {
  const key = keys.guest('ash', number)
  const guest = (await farm.store.get(key)).entry?.value as GuestRecord
  await farm.spare.open()
  const root = { kind: 'root', number, id: guest.spec.root.id } as const
  await farm.spare.create(root)
  await farm.spare.limit(root, guest.spec.limits.diskBytes ?? null)
  await farm.storage.remove(root)
  await farm.store.transact([], [{ put: key, value: { ...guest, spec: { ...guest.spec, pool: 'spare' } } }])
  await farm.pass(1)
}

for (const [name, story] of Object.entries(stories)) {
  test(name, async () => {
    const farm = await new SimFarm().open()
    await story(farm)
    assertGolden(name, farm.lines)
  })
}
