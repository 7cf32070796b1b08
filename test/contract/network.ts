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

  test(`${name}: what is no link of a guest is not touched`, async () => {
    const wrong = ['eth0', 'lo', 'croft', 'croft7x', 'croft7/../lo', '-7', 'croft7\n', 'croft123456', '']
    for (const link of wrong) {
      await assert.rejects(world().network.removeLink(link), { code: 'BAD_VALUE' }, link)
      await assert.rejects(world().network.tune(link, { reachableFromLoopback: true }), { code: 'BAD_VALUE' }, link)
    }
  })
}
