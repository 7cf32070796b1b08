import { createFakeNetwork } from '../../src/drivers/network/fake/index.ts'
import { type NetworkWorld, networkContract } from './network.ts'

const host = { uplink: 'eth0', mtu: 1500, addresses: ['192.0.2.1'] }
const network = createFakeNetwork(host)
const world: NetworkWorld = {
  network,
  host,
  addLink: async (name) => network.addLink(name),
  loopbackReaches: async (name) => network.reachableFromLoopback(name) === true,
  async addGuest(name) {
    network.addLink(name)
    const end = () => network.endOf(name)
    return {
      pid: 1,
      addresses: async () => [end()?.ipv4 ?? '', end()?.ipv6 ?? '', ...(end()?.more ?? [])],
      mtu: async () => end()?.mtu ?? 0,
    }
  },
  announced: async () => network.announced(),
}
networkContract('fake', () => world)
