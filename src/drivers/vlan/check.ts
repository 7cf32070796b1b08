/** Every value of a wish is checked again here, before a driver makes words of it. */
import { isIP } from 'node:net'
import { CroftError } from '../../api/errors.ts'
import { contains, formatRange, parseRange } from '../../plan/firewall/ranges.ts'
import type { VlanGuest, VlansWish, VlanWish } from './driver.ts'

/** The device of a network; throws BAD_VALUE when its parts are none. */
export function deviceOf({ uplink, vlan }: Pick<VlanWish, 'uplink' | 'vlan'>): string {
  const fits = /^[A-Za-z][A-Za-z0-9_-]{0,9}$/.test(uplink) && !/^(lo|all|default|croft.*|mesh.*)$/.test(uplink)
  must(fits, 'uplink', uplink)
  must(Number.isSafeInteger(vlan) && vlan >= 1 && vlan <= 4094, 'VLAN', String(vlan))
  // Routing tables that the kernel has already.
  must(vlan < 253 || vlan > 255, 'VLAN', String(vlan))
  return `${uplink}.${vlan}`
}

/** Throws BAD_VALUE at the first value that is malformed, and when two claim one thing. */
export function checkVlans({ farm, networks }: VlansWish): void {
  for (const prefix of farm) networkOf(prefix)
  const claimed = new Set<string>()
  const claim = (what: string) => {
    must(!claimed.has(what), 'claimed twice', what)
    claimed.add(what)
  }
  for (const network of networks) {
    must(/^[a-z][a-z0-9-]{0,30}$/.test(network.name), 'name of a network', network.name)
    claim(deviceOf(network))
    claim(`table ${network.vlan}`)
    const { mtu } = network
    must(mtu === undefined || (Number.isSafeInteger(mtu) && mtu >= 1280 && mtu <= 9216), 'mtu', String(mtu))
    for (const { subnet, gateway } of network.subnets) {
      must(networkOf(subnet) === subnet, 'subnet', subnet)
      if (gateway !== undefined) must(isWithin(subnet, single(gateway)), 'gateway', gateway)
    }
    for (const guest of network.guests) for (const address of checkGuest(network, guest)) claim(address)
  }
}

function checkGuest({ subnets }: VlanWish, { number, addresses, own }: VlanGuest): readonly string[] {
  must(Number.isSafeInteger(number) && number >= 1 && number <= 65_535, 'guest number', String(number))
  for (const address of own) single(address)
  for (const address of addresses)
    must(
      subnets.some(({ subnet }) => isWithin(subnet, single(address))),
      'address of a guest',
      address,
    )
  return addresses
}

/** In the kernel tools' own spelling. */
export function networkOf(text: string): string {
  const range = text.includes('-') ? undefined : parseRange(text)
  must(range !== undefined, 'network', text)
  return range ? formatRange(range) : text
}

export function single(text: string): string {
  const range = isIP(text) === 0 || text.includes('%') ? undefined : parseRange(text)
  must(range !== undefined && formatRange(range) === text, 'address', text)
  return text
}

function isWithin(subnet: string, address: string): boolean {
  const [outer, inner] = [subnet, address].map(parseRange)
  return outer !== undefined && inner !== undefined && contains(outer, inner)
}

function must(holds: boolean, what: string, value: string): void {
  if (!holds) throw new CroftError('BAD_VALUE', `VLAN: ${what}: ${JSON.stringify(String(value).slice(0, 60))}`)
}
