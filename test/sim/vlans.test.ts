/** A guest of a VLAN network: its address is one guest's, is asked after before each start, and goes with it to another host. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Finding } from '../../src/api/resources.ts'
import { keys } from '../../src/daemon/records/keys.ts'
import { type GuestRecord, read, readAll } from '../../src/daemon/records/records.ts'
import { TwoHosts } from './two-hosts.ts'

const office = { name: 'office', vlan: 20, uplink: 'eth1', subnet: ['203.0.113.0/24'], gateway: ['203.0.113.1'] }
const networks = [{ network: 'office', addresses: [] }]
const params = { guest: 'web' }

async function withOffice(): Promise<TwoHosts> {
  const two = await new TwoHosts().open()
  await two.ash.ask('addNetwork', { body: office })
  return two
}
const create = (two: TwoHosts, name: string, addresses: string[] = []) =>
  two.ash.ask('createGuest', { body: { name, template: 'debian:12', networks: [{ ...networks[0], addresses }] } })
const answering = ({ ash, birch }: TwoHosts) =>
  [ash, birch].map(({ vlans }) =>
    vlans.driver.wish.networks.flatMap(({ guests }) =>
      guests.filter((each) => each.answers).flatMap((each) => each.addresses),
    ),
  )

/** What the daemon said against it. */
async function refusal({ ash }: TwoHosts, asked: Promise<unknown>): Promise<string> {
  const before = ash.lines.length
  await asked
  return ash.lines.slice(before).join('\n')
}

test('the device comes with the first guest and goes with the last; of one address there is one guest', async () => {
  const two = await withOffice()
  const { ash } = two
  await create(two, 'web')
  await two.pass(1)
  assert.deepEqual(answering(two), [['203.0.113.2'], []])
  assert.match(await refusal(two, create(two, 'other', ['203.0.113.2'])), /203\.0\.113\.2 belongs to guest "web"/)
  assert.match(await refusal(two, create(two, 'other', ['203.0.113.1'])), /gateway of network office/)
  assert.match(await refusal(two, create(two, 'other', ['198.51.100.7'])), /no address of network office/)
  const removal = ash.ask('removeNetwork', { params: { network: 'office' } })
  assert.match(await refusal(two, removal), /web has an address of network office/)
  await Promise.all([create(two, 'one', ['203.0.113.9']), create(two, 'two', ['203.0.113.9'])])
  assert.equal((await readAll(ash.store, keys.allGuests)).length, 2, 'one of two gets it')
  await ash.ask('cloneGuest', { params, body: { name: 'twin', start: false } })
  const twin = (await readAll<GuestRecord>(ash.store, keys.allGuests)).find(({ value }) => value.name === 'twin')
  assert.deepEqual(twin?.value.spec.addresses, [], 'a copy has none of it')
  for (const { value } of await readAll<GuestRecord>(ash.store, keys.allGuests))
    await ash.ask('deleteGuest', { params: { guest: value.name } })
  await two.pass(2)
  assert.deepEqual(ash.vlans.driver.wish.networks, [])
  assert.deepEqual(await readAll(ash.store, keys.address('')), [])
  await ash.ask('removeNetwork', { params: { network: 'office' } })
  assert.deepEqual(await readAll(ash.store, keys.networks), [])
})

test('who has the address already keeps it: the guest does not start, and starts when it is free', async () => {
  const two = await withOffice()
  const { ash } = two
  ash.vlans.taken.add('203.0.113.2')
  await create(two, 'web')
  await two.pass(2)
  assert.notEqual(await ash.stateOf('web'), 'running')
  assert.deepEqual(answering(two), [[], []])
  assert.match(ash.lines.join('\n'), /203\.0\.113\.2 answers on network office|REFUSED/)
  ash.vlans.taken.clear()
  await ash.ask('actGuest', { params, body: { do: 'start' } })
  assert.ok(await two.until(async () => (await ash.stateOf('web')) === 'running'))
  assert.deepEqual(answering(two), [['203.0.113.2'], []])
})

test('it moves with its address: one host answers for it at any moment', async () => {
  const two = await withOffice()
  const { ash, birch } = two
  await create(two, 'web')
  await two.pass(1)
  await ash.ask('moveGuest', { params, body: { to: 'birch' } })
  const there = await two.until(async () => {
    assert.ok(answering(two).flat().length <= 1)
    return (await birch.stateOf('web')) === 'running' && (await readAll(ash.store, keys.moves)).length === 0
  })
  assert.ok(there, ash.lines.join('\n'))
  await two.pass(1)
  assert.deepEqual(answering(two), [[], ['203.0.113.2']])
  assert.deepEqual(ash.vlans.driver.wish.networks, [])
  const held = await read<{ host: string }>(ash.store, keys.address('203.0.113.2'))
  assert.equal(held?.value.host, 'birch')
})

test('a network whose device no host has is warned of; a guest of a host without it does not come in', async () => {
  const two = new TwoHosts()
  const { ash, birch } = two
  birch.vlans.wire.uplinks = []
  await two.open()
  const told = async (body: object) => (await ash.ask('addNetwork', { body })) as { warnings?: string[] }
  const lab = { name: 'lab', vlan: 21, uplink: 'eth7', subnet: ['198.18.5.0/24'] }
  ash.vlans.wire.obstacle = 'its kernel has no 802.1q'
  assert.match((await told(lab)).warnings?.join() ?? '', /^no host can have lab now: none has a device eth7;/)
  assert.match((await told(office)).warnings?.join() ?? '', /^no host can have office now/)
  await ash.ask('createGuest', { body: { name: 'web', template: 'debian:12' } })
  await two.pass(1)
  const isRefused = async (asked: Promise<unknown>, why: RegExp) => assert.match(await refusal(two, asked), why)
  const join = (network: string) => ash.ask('joinNetwork', { params, body: { network, addresses: [] } })
  await isRefused(join('lab'), /REFUSED.*host ash has no device eth7, which network lab is on/)
  await isRefused(
    ash.ask('createGuest', {
      body: { name: 'other', template: 'debian:12', networks: [{ network: 'lab', addresses: [] }] },
    }),
    /host ash has no device eth7/,
  )
  await isRefused(join('office'), /no device eth1\.20, which network office is on: its kernel has no 802\.1q/)
  assert.deepEqual(await readAll(ash.store, keys.address('')), [])
  delete ash.vlans.wire.obstacle
  const again = await ash.ask('changeNetwork', { params: { network: 'office' }, body: { uplink: 'eth1' } })
  assert.equal((again as { warnings?: string[] }).warnings, undefined)
  await join('office')
  assert.ok(await two.until(async () => answering(two).flat().includes('203.0.113.2')), 'once it can, it does')
  for (const lacks of [{ uplinks: [] }, { uplinks: ['eth1'], obstacle: 'its kernel has no 802.1q' }]) {
    Object.assign(birch.vlans.wire, lacks)
    await isRefused(ash.ask('moveGuest', { params, body: { to: 'birch' } }), /birch has no device eth1/)
    await isRefused(ash.ask('replicateGuest', { params, body: { to: 'birch' } }), /birch has no device eth1/)
  }
  assert.equal((await read<GuestRecord>(ash.store, keys.guest('ash', 1)))?.value.moving, undefined)
})

test('the first network of a farm whose kernel has no tags is warned of with the reason, and checked while it is idle', async () => {
  const two = new TwoHosts()
  const { ash, birch } = two
  birch.vlans.wire.uplinks = []
  ash.vlans.wire.obstacle = 'its kernel has no 802.1q'
  await two.open()
  const told = async () => ((await ash.ask('addNetwork', { body: office })) as { warnings?: string[] }).warnings?.join()
  const why = /: ash has eth1, but its kernel has no 802\.1q/
  assert.match((await told()) ?? '', why)
  const check = async () =>
    ((await ash.ask('checkNetwork', { params: { host: 'ash' } })) as Finding[]).find(
      (each) => each.check === 'network:office',
    )
  const [idle] = [await check()]
  assert.equal(idle?.verdict, 'warn')
  assert.match(idle?.evidence ?? '', why)
  delete ash.vlans.wire.obstacle
  assert.deepEqual(
    [(await check())?.verdict, (await check())?.evidence],
    ['ok', 'no guest here has an address of it; ash could have one'],
  )
  birch.vlans.wire.uplinks = ['eth1']
  await ash.ask('removeNetwork', { params: { network: 'office' } })
  await two.pass(70)
  ash.vlans.wire.uplinks = ['eth1']
  assert.equal(await told(), undefined)
})

test('what the hosts live by is no network’s and no guest’s, whoever asks', async () => {
  const two = await withOffice()
  const { ash, birch } = two
  const isRefused = async (asked: Promise<unknown>, why: RegExp) => assert.match(await refusal(two, asked), why)
  birch.network.become({ links: ['198.51.100.12/24', '2001:db8:51::12/64'], needs: ['198.51.100.1', '203.0.113.53'] })
  await two.pass(70)
  const create = (subnet: string, more = {}) =>
    ash.ask('addNetwork', { body: { name: 'evil', vlan: 7, uplink: 'eth1', subnet: [subnet], ...more } })
  await isRefused(create('198.51.100.0/24'), /198\.51\.100\.12 is an address of host birch/)
  await isRefused(create('198.51.100.128/25'), /198\.51\.100\.12\/24 is a network that host birch is in/)
  await isRefused(create('2001:db8:51::/80'), /host birch/)
  await isRefused(create('10.15.0.0/24'), /hosts’ own network/)
  await isRefused(create('168.63.0.0/16'), /cloud/)
  const office = { params: { network: 'office' }, body: { subnet: ['198.51.100.0/24'], gateway: null } }
  await isRefused(ash.ask('changeNetwork', office), /host birch/)
  assert.equal((await readAll(ash.store, keys.networks)).length, 1)

  await ash.ask('createGuest', { body: { name: 'web', template: 'debian:12' } })
  await two.pass(1)
  for (const address of ['198.51.100.12', '2001:db8:51::12', '198.51.100.1', '203.0.113.53', '10.15.0.2'])
    await isRefused(ash.ask('addAddress', { params, body: { address, announce: false } }), /host/)
  const name = { network: 'office', addresses: ['203.0.113.53'] }
  await isRefused(ash.ask('joinNetwork', { params, body: name }), /name server of host birch/)
  assert.deepEqual(await readAll(ash.store, keys.address('')), [])
})

test('what is refused live leads nowhere: no rule of its network and none of the firewall knows it', async () => {
  const two = await withOffice()
  const { ash } = two
  await ash.ask('createGuest', { body: { name: 'web', template: 'debian:12' } })
  await two.pass(1)
  ash.network.addLink('croft1')
  ash.vlans.taken.add('203.0.113.9')
  await ash.ask('joinNetwork', { params, body: { network: 'office', addresses: ['203.0.113.9'] } })
  await two.pass(2)
  assert.match(ash.lines.join('\n'), /203\.0\.113\.9 answers on network office/)
  assert.deepEqual(ash.vlans.driver.wish.networks, [])
  assert.ok(!JSON.stringify(ash.firewall.model).includes('203.0.113.9'))
  assert.deepEqual(ash.network.endOf('croft1')?.more ?? [], [])
  ash.vlans.taken.clear()
  await ash.ask('leaveNetwork', { params: { ...params, network: 'office' } })
  await ash.ask('joinNetwork', { params, body: { network: 'office', addresses: ['203.0.113.9'] } })
  assert.ok(await two.until(async () => answering(two).flat().includes('203.0.113.9')), ash.lines.join('\n'))
  assert.ok(JSON.stringify(ash.firewall.model).includes('203.0.113.9'))
  assert.deepEqual(ash.network.endOf('croft1')?.more, ['203.0.113.9'])
})
