import { createFakeFirewall } from '../../src/drivers/firewall/fake/index.ts'
import { firewallContract, type Try, type World } from './firewall.ts'
import { at, type Place } from './firewall-bench.ts'

const links: Partial<Record<Place, string>> = {
  one: 'croft1',
  two: 'croft2',
  host: 'host',
  outside: 'up0',
  beyond: 'far0',
}
const hostAddresses: readonly string[] = [at.host.v4, at.host.v6, '169.254.0.1', '127.0.0.1']

function createFakeWorld(): World {
  const firewall = createFakeFirewall()
  return {
    firewall,
    wipe: async () => firewall.flush(),
    async reach({ from, to, protocol, port }: Try) {
      const places = Object.keys(at) as Place[]
      const family = to.includes(':') ? 'v6' : 'v4'
      const target = places.find((place) => at[place][family] === to)
      const result = firewall.send({
        from: links[from] ?? '',
        source: at[from][family],
        destination: to,
        ...(target && links[target] ? { out: links[target] } : {}),
        local: hostAddresses.includes(to),
        protocol: protocol === 'udp' ? 'udp' : protocol === 'echo' ? 'icmp' : 'tcp',
        ...(port === undefined ? {} : { port }),
        echo: protocol === 'echo',
      })
      if (!result.passes) return undefined
      return places.find((place) => links[place] === result.to) ?? target
    },
  }
}

const world = createFakeWorld()
firewallContract('fake', () => world)
