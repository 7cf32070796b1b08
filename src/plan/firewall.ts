/**
 * The firewall language made into a model for a driver: names become addresses, what overlaps is cut apart, and what can
 * never match is reported instead of being dropped in silence. Pure.
 */
import type { Port, Rule } from '../api/guest.ts'
import type { FirewallModel, GuestRules, HostDoor, ResolvedRule } from '../drivers/firewall/driver.ts'
import { meshPrefix4Of, meshPrefix6Of } from './addresses.ts'
import { type Box, boxesOf, serviceOf, subtract } from './firewall/boxes.ts'
import { type AddressRange, everything, formatRange, parseRange } from './firewall/ranges.ts'

export interface FirewallGuest {
  readonly number: number
  readonly name: string
  readonly link: string
  readonly ipv4: string
  readonly ipv6: string
  readonly ports: readonly Port[]
  readonly rules: readonly Rule[]
  readonly more?: readonly string[]
  readonly via?: readonly string[]
  readonly rateIn?: number
  readonly rateOut?: number
}

export interface FirewallInput {
  /** The guests of this host that have a link, or are about to. */
  readonly guests: readonly FirewallGuest[]
  readonly prefix4: string
  readonly prefix6: string
  readonly uplink: string | null
  /** Of this host, where its edge listens. */
  readonly hostPorts?: readonly number[]
  /** The farm has several hosts. */
  readonly several?: boolean
  /** Of the other hosts. */
  readonly doors?: readonly HostDoor[]
  /** Addresses of a guest, or of all instances of a site; undefined when there is none of that name. */
  readonly addressesOf: (name: string) => readonly string[] | undefined
}

/** `index` is that of the rule, or of the port when `what` says so. */
export interface Finding {
  readonly guest: string
  readonly what: 'rule' | 'port'
  readonly index: number
  readonly never: string
}

export interface CompiledFirewall {
  readonly model: FirewallModel
  readonly findings: readonly Finding[]
}

export function compileFirewall(input: FirewallInput): CompiledFirewall {
  const findings: Finding[] = []
  const publishedBy = new Map<string, string>()
  const guests = [...input.guests]
    .sort((a, b) => a.number - b.number)
    .map((guest): GuestRules => {
      const { number, link, ipv4, ipv6, more, via, rateIn, rateOut } = guest
      return {
        ...{ number, link, ipv4, ipv6 },
        ports: compilePorts(guest, publishedBy, findings),
        rules: compileRules(guest, input.addressesOf, findings),
        egressList: guest.rules.some(({ action, direction }) => action === 'allow' && direction === 'out'),
        ...(more === undefined || more.length === 0 ? {} : { more }),
        ...(via === undefined || via.length === 0 ? {} : { via }),
        ...(rateIn === undefined ? {} : { rateIn }),
        ...(rateOut === undefined ? {} : { rateOut }),
      }
    })
  const { prefix4, prefix6, uplink, hostPorts = [] } = input
  const mesh = { prefix4: meshPrefix4Of(prefix4), prefix6: meshPrefix6Of(prefix6), doors: input.doors ?? [] }
  return { model: { prefix4, prefix6, uplink, guests, hostPorts, ...(input.several ? { mesh } : {}) }, findings }
}

/** The first claim to a door keeps it. */
function compilePorts(guest: FirewallGuest, publishedBy: Map<string, string>, findings: Finding[]): Port[] {
  return guest.ports.filter((port, index) => {
    const door = `${port.protocol}/${port.hostPort}`
    const key = `${door} ${canonical(port.address ?? '')}`
    const owner = publishedBy.get(key)
    if (owner !== undefined) {
      findings.push({ guest: guest.name, what: 'port', index, never: `${door} is already published by ${owner}` })
      return false
    }
    publishedBy.set(key, guest.name)
    return true
  })
}

interface RuleBoxes {
  readonly rule: Rule
  readonly index: number
  readonly boxes: readonly Box[]
}

function compileRules(
  guest: FirewallGuest,
  addressesOf: FirewallInput['addressesOf'],
  findings: Finding[],
): ResolvedRule[] {
  const report = (index: number, never: string) => findings.push({ guest: guest.name, what: 'rule', index, never })
  const all: RuleBoxes[] = guest.rules.map((rule, index) => {
    const peers = peersOf(rule.peer, addressesOf)
    if (peers === undefined) report(index, noPeer(rule.peer))
    return { rule, index, boxes: boxesOf(peers ?? [], rule.service) }
  })
  return all.flatMap((entry) => {
    if (entry.boxes.length === 0) return []
    const side = all.filter(({ rule }) => rule.direction === entry.rule.direction)
    const earlier = side.filter((other) => other.index < entry.index && other.rule.action === entry.rule.action)
    const denies = entry.rule.action === 'deny' ? [] : side.filter(({ rule }) => rule.action === 'deny')
    const never = neverMatches(entry, denies, earlier)
    if (never !== undefined) {
      report(entry.index, never)
      return []
    }
    return resolve(entry, subtract(entry.boxes, boxesIn(earlier)))
  })
}

const noPeer = (peer: string): string =>
  peer.includes('/') ? `the site "${peer}" has no instance` : `no guest is named "${peer}"`

function neverMatches(
  { boxes }: RuleBoxes,
  denies: readonly RuleBoxes[],
  earlier: readonly RuleBoxes[],
): string | undefined {
  const undenied = subtract(boxes, boxesIn(denies))
  if (undenied.length === 0) return `denied by ${theRule(boxes, denies)}`
  if (subtract(undenied, boxesIn(earlier)).length === 0) return `already said by ${theRule(boxes, earlier)}`
  return undefined
}

/** The one rule that is enough, when there is one. Counted from 1, as people do. */
function theRule(boxes: readonly Box[], covers: readonly RuleBoxes[]): string {
  const one = covers.find((cover) => subtract(boxes, cover.boxes).length === 0)
  return one ? `rule ${one.index + 1}` : 'other rules together'
}

/** One resolved rule per service that is left, with all the peers that have it. */
function resolve({ rule, index }: RuleBoxes, left: readonly Box[]): ResolvedRule[] {
  const { action, direction, log } = rule
  const byService = Map.groupBy(left, ({ from, to }) => `${from}-${to}`)
  return [...byService.values()].flatMap((boxes) => {
    const [first] = boxes
    if (!first) return []
    const peers = [...new Set(boxes.map(({ addresses }) => formatRange(addresses)))]
    return [{ index, action, direction, peers, service: serviceOf(first), log }]
  })
}

function peersOf(peer: string, addressesOf: FirewallInput['addressesOf']): readonly AddressRange[] | undefined {
  if (peer === 'any') return everything
  const range = parseRange(peer)
  if (range) return [range]
  return addressesOf(peer)?.flatMap((address) => parseRange(address) ?? [])
}

const boxesIn = (rules: readonly RuleBoxes[]): Box[] => rules.flatMap(({ boxes }) => [...boxes])

function canonical(address: string): string {
  const range = parseRange(address)
  return range ? formatRange(range) : address
}
