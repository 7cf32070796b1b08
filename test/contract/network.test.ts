import { createFakeNetwork } from '../../src/drivers/network/fake/index.ts'
import { type NetworkWorld, networkContract } from './network.ts'

const host = { uplink: 'eth0', mtu: 1500, addresses: ['192.0.2.1'] }
const network = createFakeNetwork(host)
const world: NetworkWorld = {
  network,
  host,
  addLink: async (name) => network.addLink(name),
  loopbackReaches: async (name) => network.reachableFromLoopback(name) === true,
}
networkContract('fake', () => world)
