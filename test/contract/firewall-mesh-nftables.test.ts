/** Several hosts, as the kernel's filter on one of them sees it: real packets between network namespaces. Needs root. */
import { after, before } from 'node:test'
import type { Firewall } from '../../src/drivers/firewall/driver.ts'
import { createNftables } from '../../src/drivers/firewall/nftables/index.ts'
import { at, type Bench, openBench, type Place } from './firewall-bench.ts'
import { everyone, far, farContract } from './firewall-mesh.ts'

let bench: Bench
let firewall: Firewall

before(async () => {
  bench = await openBench()
  firewall = createNftables({ run: bench.runner() })
  for (const place of ['one', 'two', 'outside', 'beyond', 'host'] as const) await bench.ask(place, 'listen', [80, 81])
  const give = async (place: Place, { v4, v6 }: { v4: string; v6: string }) => {
    await bench.ip(place, 'address', 'add', `${v4}/32`, 'dev', 'lo')
    await bench.ip(place, 'address', 'add', `${v6}/128`, 'dev', 'lo', 'nodad')
  }
  await give('host', far.self)
  await give('one', far.shown)
  for (const who of [far.guest, far.host, far.nobody]) await give('beyond', who)
  for (const who of [far.guest, far.host, far.nobody, at.two]) await give('outside', who)
  for (const { v4, v6 } of [far.guest, far.host]) {
    await bench.ip('host', 'route', 'add', v4, 'via', at.beyond.v4, 'metric', '3000')
    await bench.ip('host', 'route', 'add', v6, 'via', at.beyond.v6, 'metric', '3000')
  }
  await bench.ip('host', 'route', 'add', 'unreachable', '10.100.0.0/16', 'metric', '4000')
  await bench.ip('host', 'route', 'add', 'unreachable', 'fd12:3456::/64', 'metric', '4000')
})
after(() => bench[Symbol.asyncDispose]())

/** A datagram is lost at most by a rule: one that is expected is sent until it comes. */
async function comes(
  { from, source, to, port }: { from: Place; source: string; to: string; port: number },
  expected: boolean,
) {
  const end = endOf(to)
  await bench.ask(end, 'takeReceived')
  for (let times = 0; times < (expected ? 40 : 1); times++) {
    await bench.ask(from, 'attempt', { protocol: 'udp', to, port, source, waitMs: 150 })
    if ((await bench.ask(end, 'takeReceived')) > 0) return true
  }
  return false
}

const ends: Record<string, Place> = { guest: 'beyond', self: 'host' }
function endOf(address: string): Place {
  if (Object.values<string>(far.host).includes(address)) return 'beyond'
  const [name = ''] = Object.entries(everyone).find(([, both]) => Object.values<string>(both).includes(address)) ?? []
  return ends[name] ?? (name === 'host' ? 'host' : (name as Place))
}

farContract('nftables', () => ({ firewall, comes }))
