/**
 * What stands in the fixed rules while the farm has several hosts. None of it names a link: who is where the routes say, and
 * they change with the guests that move. Pure.
 */
import { isIP } from 'node:net'
import { networkOf } from '../check.ts'
import type { FirewallModel } from '../driver.ts'

export interface MeshRules {
  /** Before connection tracking. */
  readonly before: readonly string[]
  readonly toHost: readonly string[]
  /** Behind what is connected already, before every rule of a guest. */
  readonly between: readonly string[]
  readonly chains: readonly string[]
}

const guestLinks = '"croft*"'
const elsewhere = `iifname != ${guestLinks} iifname != "lo"`

export function meshRules({ prefix4, prefix6, mesh }: FirewallModel): MeshRules {
  if (!mesh) return { before: [], toHost: [], between: [], chains: [] }
  const [guests4, guests6] = [networkOf(prefix4, 4), networkOf(prefix6, 6)]
  const [hosts4, hosts6] = [networkOf(mesh.prefix4, 4), networkOf(mesh.prefix6, 6)]
  const families = [
    { ip: 'ip', guests: guests4, hosts: hosts4 },
    { ip: 'ip6', guests: guests6, hosts: hosts6 },
  ]
  return {
    // Also a guest of ours that is said to come from elsewhere, and who has no route because nobody has that address.
    before: families.map(
      ({ ip, guests, hosts }) =>
        `${elsewhere} ${ip} saddr { ${[...(ip === 'ip' ? [hosts] : []), guests].join(', ')} } fib saddr . iif oif missing counter drop`,
    ),
    toHost: families.map(
      ({ ip, guests, hosts }) => `${elsewhere} ${ip} saddr ${guests} ${ip} saddr != ${hosts} jump far_guest`,
    ),
    between: [
      ...mesh.doors.map(
        ({ address, ports }) =>
          `iifname ${guestLinks} ${isIP(address) === 6 ? 'ip6' : 'ip'} daddr ${address} meta l4proto { tcp, udp } th dport { ${ports.join(', ')} } counter drop`,
      ),
      ...families.flatMap(({ ip, guests, hosts }) => [
        `iifname != ${guestLinks} oifname ${guestLinks} ${ip} saddr ${hosts} accept`,
        // Whatever a guest sends into the mesh has its own address, and is for a guest: nothing would be translated there.
        `iifname ${guestLinks} ${ip} daddr ${hosts} counter drop`,
        `iifname ${guestLinks} oifname != ${guestLinks} ${ip} daddr ${guests} ${ip} saddr != ${guests} counter drop`,
      ]),
    ],
    // A guest of another host reaches guests here, as their rules say, and nothing of the host.
    chains: ['chain far_guest {', '  ct state established,related accept', '  counter drop', '}'],
  }
}
