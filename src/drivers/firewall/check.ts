/** Every value of a model is checked again here, before a driver makes text of it. */
import { isIP } from 'node:net'
import { CroftError } from '../../api/errors.ts'
import { type AddressRange, type Family, formatRange, parseRange } from '../../plan/firewall/ranges.ts'
import type { FirewallModel, GuestRules, ResolvedRule } from './driver.ts'

/** Throws BAD_VALUE at the first value that is malformed, and when two guests claim one thing. */
export function checkModel(model: FirewallModel): void {
  networkOf(model.prefix4, 4)
  networkOf(model.prefix6, 6)
  if (model.uplink !== null) must(/^[A-Za-z0-9_.:@-]{1,15}$/.test(model.uplink), 'uplink', model.uplink)
  if (model.mesh)
    for (const [family, text] of [
      [4, model.mesh.prefix4],
      [6, model.mesh.prefix6],
    ] as const)
      networkOf(text, family)
  for (const { address, ports } of model.mesh?.doors ?? []) {
    addressOf(address, isIP(address) === 6 ? 6 : 4)
    for (const port of ports) inRange(port, 1, 65535, 'port of another host')
  }
  for (const port of model.hostPorts ?? []) inRange(port, 1, 65535, 'port of the host')
  const claimed = new Set<string>()
  for (const guest of model.guests) {
    for (const claim of checkGuest(guest)) {
      must(!claimed.has(claim), 'model: claimed twice', claim)
      claimed.add(claim)
    }
  }
}

/** A network of that family, masked and in its shortest spelling. */
export function networkOf(text: string, family: Family): string {
  const range = rangeOf(text)
  must(range.family === family && !text.includes('-'), `IPv${family} network`, text)
  return formatRange(range)
}

export function rangeOf(text: string): AddressRange {
  const range = parseRange(text)
  if (!range) throw new CroftError('BAD_VALUE', `firewall: "${shown(text)}" is not an address or network`)
  return range
}

/** One address of that family, in its shortest spelling. */
export function addressOf(text: string, family: Family): string {
  must(isIP(text) === family && !text.includes('%'), `IPv${family} address`, text)
  return formatRange(rangeOf(text))
}

/** What this guest alone may have. */
function checkGuest(guest: GuestRules): string[] {
  inRange(guest.number, 1, 65535, 'guest number')
  must(/^croft[0-9]{1,5}$/.test(guest.link), 'link name', guest.link)
  for (const rate of [guest.rateIn, guest.rateOut])
    if (rate !== undefined) inRange(rate, 1, Number.MAX_SAFE_INTEGER, 'rate')
  for (const rule of guest.rules) checkRule(rule)
  const own = [`number ${guest.number}`, guest.link, addressOf(guest.ipv4, 4), addressOf(guest.ipv6, 6)]
  own.push(
    ...[...(guest.more ?? []), ...(guest.via ?? [])].map((address) => addressOf(address, isIP(address) === 6 ? 6 : 4)),
  )
  return [...own, ...guest.ports.map(checkPort)]
}

function checkPort({ protocol, hostPort, guestPort, address }: GuestRules['ports'][number]): string {
  must(protocol === 'tcp' || protocol === 'udp', 'protocol', protocol)
  inRange(hostPort, 1, 65535, 'port')
  inRange(guestPort, 1, 65535, 'port')
  const at = address === undefined ? '' : addressOf(address, isIP(address) === 6 ? 6 : 4)
  return `port ${protocol}/${hostPort} ${at}`.trim()
}

function checkRule({ index, action, direction, peers, service }: ResolvedRule): void {
  inRange(index, 0, 1_000_000, 'rule index')
  must(action === 'allow' || action === 'deny', 'action', action)
  must(direction === 'in' || direction === 'out', 'direction', direction)
  for (const peer of peers) rangeOf(peer)
  const { protocol, from, to } = service
  must(['any', 'tcp', 'udp', 'icmp'].includes(protocol), 'protocol', protocol)
  if (from === undefined && to === undefined) return
  must(protocol === 'tcp' || protocol === 'udp', 'service with ports', protocol)
  inRange(from, 0, 65535, 'port')
  inRange(to, from ?? 0, 65535, 'port')
}

function inRange(value: unknown, low: number, high: number, what: string): void {
  const fits = typeof value === 'number' && Number.isSafeInteger(value) && value >= low && value <= high
  must(fits, what, String(value))
}

function must(holds: boolean, what: string, value: string): void {
  if (!holds) throw new CroftError('BAD_VALUE', `firewall: ${what}: "${shown(value)}"`)
}

const shown = (value: unknown): string => JSON.stringify(String(value).slice(0, 60)).slice(1, -1)
