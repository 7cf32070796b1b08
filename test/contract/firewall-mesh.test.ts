import { createFakeFirewall } from '../../src/drivers/firewall/fake/index.ts'
import { at } from './firewall-bench.ts'
import { far, farContract } from './firewall-mesh.ts'

const firewall = createFakeFirewall()
const links: Record<string, string> = { one: 'croft1', two: 'croft2', host: 'host', outside: 'up0', beyond: 'mesh' }
const own: readonly string[] = [...Object.values(at.host), ...Object.values(far.self)]

farContract('fake', () => ({
  firewall,
  comes: async ({ from, source, to, port }) =>
    firewall.send({ from: links[from] ?? '', source, destination: to, local: own.includes(to), protocol: 'udp', port })
      .passes,
}))
