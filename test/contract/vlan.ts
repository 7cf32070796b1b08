/** What every driver of VLAN networks promises. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Vlans, VlansWish, VlanWish } from '../../src/drivers/vlan/driver.ts'

export interface VlanWorld {
  readonly vlans: Vlans
  /** A device of this host. */
  readonly uplink: string
  /** Somebody on the wire has it, or no longer. */
  takes(address: string, has: boolean): Promise<void>
}

export const farm = ['10.100.0.0/16', '10.15.0.0/24', 'fd12::/64']
export const subnets = [
  { subnet: '192.0.2.0/24', gateway: '192.0.2.1' },
  { subnet: '2001:db8:20::/64', gateway: '2001:db8:20::1' },
]
export const web = {
  ...{ number: 21, addresses: ['192.0.2.15', '2001:db8:20::15'], own: ['10.100.0.21', 'fd12::15'] },
  answers: true,
}
export const officeOn = (uplink: string, more: Partial<VlanWish> = {}): VlanWish => ({
  ...{ name: 'office', uplink, vlan: 20, mtu: 1400, subnets, guests: [web] },
  ...more,
})
const wishOf = (...networks: VlanWish[]): VlansWish => ({ farm, networks })

export function vlanContract(name: string, world: () => VlanWorld): void {
  test(`${name}: whether there can be any is asked without making one`, async () => {
    const { vlans } = world()
    for (let count = 0; count < 2; count++) assert.equal(await vlans.obstacle(), undefined)
    assert.deepEqual(await vlans.facts(), [])
  })

  test(`${name}: a network comes, told twice nothing is done, and it goes with its last guest`, async () => {
    const { vlans, uplink } = world()
    assert.ok((await vlans.reconcile(wishOf(officeOn(uplink)))).length > 0)
    assert.deepEqual(await vlans.reconcile(wishOf(officeOn(uplink))), [])
    assert.deepEqual(await vlans.facts(), [{ device: `${uplink}.20`, up: true, mtu: 1400 }])
    const lab = officeOn(uplink, { name: 'lab', vlan: 30, subnets: [{ subnet: '198.51.100.0/25' }], guests: [] })
    await vlans.reconcile(wishOf(officeOn(uplink, { guests: [] }), lab))
    assert.deepEqual((await vlans.facts()).map(({ device }) => device).sort(), [`${uplink}.20`, `${uplink}.30`])
    await vlans.reconcile(wishOf(lab))
    assert.deepEqual(
      (await vlans.facts()).map(({ device }) => device),
      [`${uplink}.30`],
    )
    assert.ok((await vlans.reconcile(wishOf())).length > 0)
    assert.deepEqual(await vlans.reconcile(wishOf()), [])
    assert.deepEqual(await vlans.facts(), [])
  })

  test(`${name}: who has an address on the wire is found, and who has none is not`, async () => {
    const { vlans, uplink, takes } = world()
    const network = officeOn(uplink, { guests: [{ ...web, answers: false }] })
    await vlans.reconcile(wishOf(network))
    for (const address of web.addresses) {
      assert.equal(await vlans.answers(network, address), false, address)
      await takes(address, true)
      assert.equal(await vlans.answers(network, address), true, address)
      await takes(address, false)
    }
    assert.deepEqual(await vlans.reconcile(wishOf(network)), [], 'asking leaves nothing')
    await vlans.reconcile(wishOf())
  })

  test(`${name}: a device that the host does not have is refused, and what is malformed makes no word of a command`, async () => {
    const { vlans, uplink } = world()
    await assert.rejects(vlans.reconcile(wishOf(officeOn('nowhere0'))), { code: 'REFUSED' })
    const bad: VlanWish[] = [
      ...['', '-x', 'eth1 type dummy', 'eth1.5', 'eth1\n', '../lo', 'lo', 'all', 'croft7', 'a'.repeat(11)].map((each) =>
        officeOn(each),
      ),
      ...[0, 4095, 253, 254, 255, 1.5, -1, Number.NaN, '20; reboot' as never].map((vlan) => officeOn(uplink, { vlan })),
      ...[1279, 9217, '1500 up' as never].map((mtu) => officeOn(uplink, { mtu })),
      ...['', 'office\n', '-o', 'Office', 'a b'].map((word) => officeOn(uplink, { name: word })),
      ...['192.0.2.7/24', '192.0.2.0/24 dev lo', '192.0.2.1-192.0.2.9', 'x', '192.0.2.0/33'].map((subnet) =>
        officeOn(uplink, { subnets: [{ subnet }], guests: [] }),
      ),
      ...['203.0.113.1', '192.0.2.1 dev lo', '-1', 'fe80::1%eth0'].map((gateway) =>
        officeOn(uplink, { subnets: [{ subnet: '192.0.2.0/24', gateway }], guests: [] }),
      ),
      ...['203.0.113.5', '192.0.2.15/24', '192.0.2.15 dev lo', '', '192.0.2.015', '2001:DB8:20::15'].map((address) =>
        officeOn(uplink, { guests: [{ ...web, addresses: [address] }] }),
      ),
      officeOn(uplink, { guests: [{ ...web, own: ['10.100.0.21 lookup main'] }] }),
      officeOn(uplink, { guests: [web, { ...web, number: 22 }] }),
    ]
    for (const network of bad)
      await assert.rejects(vlans.reconcile(wishOf(network)), { code: 'BAD_VALUE' }, JSON.stringify(network))
    await assert.rejects(vlans.reconcile(wishOf(officeOn(uplink), officeOn(uplink))), { code: 'BAD_VALUE' })
    await assert.rejects(vlans.answers({ uplink, vlan: 20 }, '192.0.2.15 dev lo'))
    assert.deepEqual(await vlans.facts(), [])
  })
}
