/** What every network driver promises. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HostNetwork, Network } from '../../src/drivers/network/driver.ts'

export interface NetworkWorld {
  readonly network: Network
  readonly host: HostNetwork
  /** As a runtime does at a guest's start. */
  addLink(name: string): Promise<void>
  loopbackReaches(name: string): Promise<boolean>
  /** A link with a guest behind it. */
  addGuest(name: string): Promise<GuestBehind>
  /** What the host answers for on its uplink, by our doing. */
  announced(): Promise<readonly string[]>
}

export interface GuestBehind {
  readonly pid: number
  /** Of its end of the link, without what every link has. */
  addresses(): Promise<readonly string[]>
  mtu(): Promise<number>
}

export function networkContract(name: string, world: () => NetworkWorld): void {
  test(`${name}: preparing says what it changed, and the second time nothing`, async () => {
    const changes = await world().network.prepare()
    assert.ok(changes.some((line) => line.includes('169.254.0.1/32')))
    assert.deepEqual(await world().network.prepare(), [])
  })

  test(`${name}: the uplink is the device of the default route`, async () => {
    assert.deepEqual(await world().network.uplink(), world().host)
  })

  test(`${name}: links of guests are found, tuned twice, and removed twice`, async () => {
    const { network, addLink, loopbackReaches } = world()
    assert.deepEqual(await network.links(), [])
    await addLink('croft7')
    await addLink('croft513')
    const found = [...(await network.links())].sort((a, b) => a.number - b.number)
    assert.deepEqual(found, [
      { name: 'croft7', number: 7, up: true },
      { name: 'croft513', number: 513, up: true },
    ])
    for (const reachableFromLoopback of [true, true, false]) {
      await network.tune('croft7', { reachableFromLoopback })
      assert.equal(await loopbackReaches('croft7'), reachableFromLoopback)
    }
    await network.tune('croft513', { reachableFromLoopback: false })
    assert.deepEqual(await network.prepare(), [])
    for (const name of ['croft7', 'croft513', 'croft7', 'croft9']) await network.removeLink(name)
    assert.deepEqual(await network.links(), [])
  })

  test(`${name}: a guest's end has what it is told, live, told twice, and no longer`, async () => {
    const { network, addGuest } = world()
    const guest = await addGuest('croft21')
    const own = { pid: guest.pid, ipv4: '10.100.0.21', ipv6: 'fd12::15', fresh: false }
    const [four, six] = ['203.0.113.5', '2001:db8:77::5']
    for (const { more, mtu } of [
      { more: [four, six], mtu: 1300 },
      { more: [four, six], mtu: 1300 },
      { more: [six], mtu: 1400 },
      { more: [], mtu: 1500 },
    ]) {
      await network.equip('croft21', { ...own, more, mtu })
      assert.deepEqual([...(await guest.addresses())].sort(), ['10.100.0.21', ...more, 'fd12::15'].sort())
      assert.equal(await guest.mtu(), mtu)
    }
    await network.equip('croft21', { ...own, more: [], mtu: 1500, fresh: true })
    assert.deepEqual([...(await guest.addresses())].sort(), ['10.100.0.21', 'fd12::15'])
    for (const bad of ['', '203.0.113.5/24', '203.0.113.5\nlink delete dev lo', 'fe80::1%eth0', '-x'])
      await assert.rejects(network.equip('croft21', { ...own, more: [bad], mtu: 1500 }), { code: 'BAD_VALUE' }, bad)
    await network.removeLink('croft21')
  })

  test(`${name}: the host answers for what it is told, and for nothing of ours beside it`, async () => {
    const { network, announced } = world()
    for (const list of [['192.0.2.50', '2001:db8::50'], ['2001:db8::50'], ['2001:db8::50'], []]) {
      await network.announce(list)
      assert.deepEqual([...(await announced())].sort(), list)
    }
    await assert.rejects(network.announce(['192.0.2.50 dev lo']), { code: 'BAD_VALUE' })
  })

  test(`${name}: what is the host's own is told`, async () => {
    const { network, host } = world()
    assert.match((await network.claims(host.addresses[0] ?? '')) ?? '', /address of this host/)
    assert.equal(await network.claims('203.0.113.5'), undefined)
  })

  test(`${name}: what is no link of a guest is not touched`, async () => {
    const wrong = ['eth0', 'lo', 'croft', 'croft7x', 'croft7/../lo', '-7', 'croft7\n', 'croft123456', '']
    for (const link of wrong) {
      await assert.rejects(world().network.removeLink(link), { code: 'BAD_VALUE' }, link)
      await assert.rejects(world().network.tune(link, { reachableFromLoopback: true }), { code: 'BAD_VALUE' }, link)
    }
  })
}
