/** What a wish means in the kernel, as lines of `ip` and of `nft`: pure. */
import { isIPv6 } from 'node:net'
import { deviceOf } from '../check.ts'
import type { VlansWish, VlanWish } from '../driver.ts'

/** Marks rules, routes and neighbours that are ours. */
export const ownProtocol = '204'
/** Before the rule that leads to the main table. */
const priorities = { farm: 20_000, guests: 20_001, network: 20_002 } as const

export type Family = 4 | 6
const familyOf = (text: string): Family => (isIPv6(text.replace(/\/.*$/, '')) ? 6 : 4)
const families: readonly Family[] = [4, 6]

export interface Lines {
  readonly family: Family
  readonly rules: readonly string[]
  readonly routes: readonly string[]
}

/** Spelled as `parse` spells what is found. */
export const linesOf = (wish: VlansWish): Lines[] =>
  families.map((family) => ({
    family,
    rules: [...new Set(wish.networks.flatMap((network) => rulesOf(network, family, wish.farm)))].sort(),
    routes: wish.networks.flatMap((network) => routesOf(network, family)).sort(),
  }))

const of = (family: Family, list: readonly string[]): string[] => list.filter((each) => familyOf(each) === family)

/**
 * What bears an address of the network goes to guests that are here, else into the network and nowhere else; so does what comes
 * from there. Of what a guest sends from its address in the farm only what is meant for the network does.
 */
function rulesOf(network: VlanWish, family: Family, farm: readonly string[]): string[] {
  const subnets = of(
    family,
    network.subnets.map(({ subnet }) => subnet),
  )
  if (subnets.length === 0) return []
  const addresses = of(
    family,
    network.guests.flatMap((guest) => guest.addresses),
  )
  const inside = network.guests.flatMap(({ own }) =>
    of(family, own).flatMap((from) => subnets.map((to) => `from ${from} to ${to}`)),
  )
  const selectors = [...addresses.map((from) => `from ${from}`), ...inside, `from all iif ${deviceOf(network)}`]
  // Of the main table routes to single addresses alone: those are guests.
  const single = `lookup main suppress_prefixlength ${family === 4 ? 31 : 127}`
  return [
    ...addresses.flatMap((from) =>
      of(family, farm).map((to) => `priority ${priorities.farm} from ${from} to ${to} lookup main`),
    ),
    ...selectors.flatMap((selector) => [
      `priority ${priorities.guests} ${selector} ${single}`,
      `priority ${priorities.network} ${selector} lookup ${network.vlan}`,
    ]),
  ]
}

function routesOf(network: VlanWish, family: Family): string[] {
  const device = deviceOf(network)
  const subnets = network.subnets.filter(({ subnet }) => familyOf(subnet) === family)
  if (subnets.length === 0) return []
  const gateways = subnets.flatMap(({ gateway }) => gateway ?? [])
  return [
    ...subnets.map(({ subnet }) => `${subnet} dev ${device} table ${network.vlan}`),
    ...gateways.slice(0, 1).map((gateway) => `default via ${gateway} dev ${device} table ${network.vlan}`),
    // Without the device, or a gateway, it must not leave by the host's own way.
    `unreachable default table ${network.vlan} metric ${lastMetric}`,
  ]
}

export const lastMetric = 4_000_000

/** For whom the host answers, on which device. */
export const proxiesOf = ({ networks }: VlansWish): string[] =>
  networks.flatMap((network) =>
    network.guests
      .filter(({ answers }) => answers)
      .flatMap(({ addresses }) => addresses.map((address) => `${address} dev ${deviceOf(network)}`)),
  )

export const tableName = 'croft_vlan'
const quoted = (word: string): string => `"${word}"`
const elements = (list: readonly string[]): string => (list.length === 0 ? '' : `elements = { ${list.join(', ')} }`)

/**
 * Who asks on the wire is a guest that is there: the host has no address of that network, and a neighbour that is asked by a
 * stranger may not answer. Asking for a guest's own address is thereby an announcement.
 */
export function nftText({ networks }: VlansWish): string {
  const sender: string[] = []
  const say: string[] = []
  const shown: Record<Family, string[]> = { 4: [], 6: [] }
  for (const network of networks) {
    const device = quoted(deviceOf(network))
    const there = network.guests.filter(({ answers }) => answers).flatMap(({ addresses }) => of(4, addresses))
    if (there[0] !== undefined) sender.push(`${device} : ${there[0]}`)
    for (const address of there) say.push(`${device} . ${address} : ${address}`)
    for (const guest of network.guests)
      for (const family of families) {
        const [first] = of(family, guest.addresses)
        if (first !== undefined)
          for (const own of of(family, guest.own)) shown[family].push(`${device} . ${own} : ${first}`)
      }
  }
  return [
    ...['arp', 'inet'].flatMap((family) => [`add table ${family} ${tableName}`, `delete table ${family} ${tableName}`]),
    `table arp ${tableName} {`,
    `  map say { type ifname . ipv4_addr : ipv4_addr; ${elements(say)} }`,
    `  map sender { type ifname : ipv4_addr; ${elements(sender)} }`,
    '  chain output {',
    '    type filter hook output priority 0; policy accept;',
    '    arp operation request arp saddr ip set oifname . arp daddr ip map @say accept',
    '    arp operation request arp saddr ip set oifname map @sender',
    '  }',
    '}',
    `table inet ${tableName} {`,
    `  map shown4 { type ifname . ipv4_addr : ipv4_addr; ${elements(shown[4])} }`,
    `  map shown6 { type ifname . ipv6_addr : ipv6_addr; ${elements(shown[6])} }`,
    '  chain leaving {',
    '    type nat hook postrouting priority 90; policy accept;',
    '    snat ip to oifname . ip saddr map @shown4',
    '    snat ip6 to oifname . ip6 saddr map @shown6',
    '  }',
    '}',
    '',
  ].join('\n')
}
