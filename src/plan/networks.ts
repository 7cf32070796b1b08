/** Networks of the site: what one may be beside the others, and which address is next. Pure. */
import { CroftError } from '../api/errors.ts'
import { type AddressRange, contains, formatRange, nobodys, parseRange } from './firewall/ranges.ts'

export interface SiteNetwork {
  readonly name: string
  readonly vlan: number
  readonly uplink: string
  readonly subnets: readonly { readonly subnet: string; readonly gateway?: string }[]
  readonly mtu?: number
}

/** Each subnet with its gateway, in one spelling. Throws BAD_VALUE. */
export function subnetsOf(subnets: readonly string[], gateways: readonly string[] = []): SiteNetwork['subnets'] {
  const ranges = subnets.map(subnetOf)
  if (new Set(ranges.map(({ family }) => family)).size < ranges.length)
    throw bad('one subnet of each family, IPv4 and IPv6')
  const left = new Set(gateways)
  const made = ranges.map((range) => {
    const [gateway, ...more] = gateways.filter((each) => contains(range, rangeOf(each)))
    if (more.length > 0) throw bad(`${formatRange(range)} has one gateway`)
    if (gateway === undefined) return { subnet: formatRange(range) }
    left.delete(gateway)
    if (!isHosts(range, rangeOf(gateway).from))
      throw bad(`${gateway} is no address of a gateway in ${formatRange(range)}`)
    return { subnet: formatRange(range), gateway: formatRange(rangeOf(gateway)) }
  })
  const [outside] = left
  if (outside !== undefined) throw bad(`the gateway ${outside} is in none of the subnets`)
  return made
}

function subnetOf(text: string): AddressRange {
  const range = rangeOf(text)
  const written = text.split('/')[0] ?? ''
  if (formatRange(rangeOf(written)) !== formatRange({ ...range, to: range.from }))
    throw bad(`${text} is an address in a network, not the network ${formatRange(range)}`)
  // Too small for a guest beside the gateway, or so large that it would be somebody else's too.
  const [least, most] = range.family === 4 ? [4n, 1n << 20n] : [4n, 1n << 96n]
  const size = range.to - range.from + 1n
  if (size < least || size > most) throw bad(`${text}: a subnet is a /12 to /30, or a /32 to /126 of IPv6`)
  if (nobodys.some((network) => contains(network, range) || contains(range, network)))
    throw bad(`${text} can be nobody's network`)
  return range
}

export interface Taken {
  readonly range: string
  readonly whose: string
}

/** Throws EXISTS: what leads to two networks leads to none. */
export function assertApart(network: SiteNetwork, others: readonly SiteNetwork[], hosts: readonly Taken[]): void {
  for (const other of others.filter(({ name }) => name !== network.name)) {
    if (other.vlan === network.vlan)
      throw taken(`VLAN ${network.vlan} is network ${other.name}, and so is its routing table`)
    for (const { subnet } of other.subnets)
      if (network.subnets.some((own) => overlap(own.subnet, subnet))) throw taken(`${subnet} is network ${other.name}`)
  }
  for (const { range, whose } of hosts)
    for (const { subnet } of network.subnets)
      if (overlap(subnet, range))
        throw taken(range === subnet ? `${subnet} is ${whose}` : `${subnet}: ${range} is ${whose}`)
}

/** In its one spelling. Throws when it is none that a guest of the network may have. */
export function memberAddress({ name, subnets }: SiteNetwork, text: string): string {
  const address = rangeOf(text)
  const found = subnets.find(({ subnet }) => contains(rangeOf(subnet), address))
  if (!found)
    throw new CroftError(
      'BAD_VALUE',
      `${text} is no address of network ${name}: ${subnets.map(({ subnet }) => subnet).join(', ')}`,
    )
  const spelled = formatRange(address)
  if (spelled === found.gateway) throw taken(`${spelled} is the gateway of network ${name}`)
  if (!isHosts(rangeOf(found.subnet), address.from)) throw bad(`${spelled} is no guest's address in ${found.subnet}`)
  return spelled
}

const looksAtMost = 70_000n

/** Of each subnet the lowest that nobody has; undefined among them when there is none. */
export const nextAddresses = (
  { subnets }: SiteNetwork,
  isTaken: (address: string) => boolean,
): (string | undefined)[] =>
  subnets.map(({ subnet, gateway }) => {
    const range = rangeOf(subnet)
    for (let value = range.from + 1n; value < range.to && value - range.from < looksAtMost; value++) {
      const address = formatRange({ family: range.family, from: value, to: value })
      if (address !== gateway && !isTaken(address)) return address
    }
    return undefined
  })

/** Not the network itself, nor what all of it hear. */
const isHosts = ({ family, from, to }: AddressRange, value: bigint): boolean =>
  value > from && (family === 6 ? value <= to : value < to)

function overlap(a: string, b: string): boolean {
  const [one, two] = [rangeOf(a), rangeOf(b)]
  return contains(one, two) || contains(two, one)
}

function rangeOf(text: string): AddressRange {
  const range = text.includes('-') ? undefined : parseRange(text)
  if (range) return range
  throw bad(`"${text.slice(0, 60)}" is not an address or network`)
}

const bad = (why: string): CroftError => new CroftError('BAD_VALUE', why, { hint: 'croft help network create' })
const taken = (why: string): CroftError => new CroftError('EXISTS', why, { hint: 'croft network ls' })
