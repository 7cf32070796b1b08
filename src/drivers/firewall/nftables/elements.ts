/** What of a model lives in sets: one element per address, rule and door. Pure. */
import { isIPv6 } from 'node:net'
import { type AddressRange, formatRange } from '../../../plan/firewall/ranges.ts'
import { addressOf, rangeOf } from '../check.ts'
import { counterKey, type FirewallModel, type GuestRules, type ResolvedRule } from '../driver.ts'

/** Element keys and values as nft writes them; the value is '' in plain sets. */
export type Elements = ReadonlyMap<string, string>

export interface Contents {
  /** By set or map name; `arp own` stands in the other table. */
  readonly sets: ReadonlyMap<string, Elements>
  /** Limit objects: name → bytes a second. */
  readonly limits: ReadonlyMap<string, number>
  /** `set key` → the rule whose packets its counter counts. */
  readonly owners: ReadonlyMap<string, string>
}

export const arpOwn = 'arp own'
/** More than any link carries, and the kernel's arithmetic overflows above. */
const topRate = 16_000_000_000
export const elementId = (set: string, key: string): string => `${set} ${key}`

export function contentsOf(model: FirewallModel): Contents {
  const sets = new Map<string, Map<string, string>>()
  const limits = new Map<string, number>()
  const owners = new Map<string, string>()
  const put: Put = (set, key, value = '', owner) => {
    const elements = sets.get(set) ?? new Map<string, string>()
    sets.set(set, elements)
    if (elements.has(key)) return
    elements.set(key, value)
    if (owner !== undefined) owners.set(elementId(set, key), owner)
  }
  for (const port of model.hostPorts ?? []) put('host_ports', String(port))
  for (const guest of model.guests) {
    putOwn(guest, put)
    putPorts(guest, put)
    for (const rule of guest.rules) putRule(guest, rule, put)
    for (const [way, rate] of [
      ['in', guest.rateIn],
      ['out', guest.rateOut],
    ] as const) {
      if (rate === undefined) continue
      limits.set(`${way}_${guest.number}`, Math.min(rate, topRate))
      put(`rate_${way}`, quoted(guest.link), quoted(`${way}_${guest.number}`))
    }
  }
  return { sets, limits, owners }
}

type Put = (set: string, key: string, value?: string, owner?: string) => void

function putOwn({ link, ipv4, ipv6, more = [], via = [], egressList }: GuestRules, put: Put): void {
  for (const address of [...more, ...via]) {
    const family = isIPv6(address) ? 6 : 4
    const own = addressOf(address, family)
    put(`own${family}`, join(quoted(link), own))
    if (family === 4) put(arpOwn, join(quoted(link), own))
    // The first one stays.
    if (more.includes(address)) put(`shown${family}`, quoted(link), own)
  }
  put('own4', join(quoted(link), addressOf(ipv4, 4)))
  put('own6', join(quoted(link), addressOf(ipv6, 6)))
  put(arpOwn, join(quoted(link), addressOf(ipv4, 4)))
  if (egressList) put('egress', quoted(link))
}

function putPorts({ ipv4, ipv6, ports }: GuestRules, put: Put): void {
  for (const { protocol, hostPort, guestPort, address } of ports) {
    const targets = [
      { family: 4, to: join(addressOf(ipv4, 4), guestPort) },
      { family: 6, to: join(addressOf(ipv6, 6), guestPort) },
    ]
    const bound = address === undefined ? undefined : rangeOf(address)
    for (const { family, to } of targets) {
      if (!bound) put(`published${family}`, join(protocol, hostPort), to)
      else if (bound.family === family) put(`published_at${family}`, join(formatRange(bound), protocol, hostPort), to)
    }
  }
}

function putRule({ number, link }: GuestRules, rule: ResolvedRule, put: Put): void {
  for (const peer of rule.peers.map(rangeOf)) {
    const { set, key } = ruleElement(link, rule, peer)
    put(set, key, verdictOf(rule), counterKey(number, rule.index))
  }
}

function ruleElement(link: string, { action, direction, service }: ResolvedRule, peer: AddressRange) {
  const { protocol, from = 0, to = 65535 } = service
  const base = join(quoted(link), formatRange(peer))
  const shape = protocol === 'any' || protocol === 'icmp' ? protocol : 'port'
  const key = shape === 'port' ? join(base, protocol, from === to ? from : `${from}-${to}`) : base
  return { set: `${action}_${direction}_${shape}${peer.family}`, key }
}

/** An allowed way out returns to the chain that asks for the way in; an allowed way in is the end. */
function verdictOf({ action, direction, log }: ResolvedRule): string {
  if (action === 'deny') return log ? 'goto drop_logged' : 'drop'
  if (direction === 'out') return log ? 'goto pass_logged' : 'return'
  return log ? 'goto accept_logged' : 'accept'
}

const quoted = (word: string): string => `"${word}"`
const join = (...parts: (string | number)[]): string => parts.join(' . ')
