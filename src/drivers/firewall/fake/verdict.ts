/** What the firewall says to the first packet of a connection. Pure: the meaning of a model, told a second time. */
import { closedNamesPort, cloudAddresses, gateway4, gateway6, namesPort } from '../../../plan/addresses.ts'
import { contains } from '../../../plan/firewall/ranges.ts'
import { rangeOf } from '../check.ts'
import { counterKey, type FirewallModel, type GuestRules, type ResolvedRule } from '../driver.ts'

export interface Packet {
  /** The link it comes in by; `host` when the host itself sends it, `mesh` by the way to the farm's other hosts. */
  readonly from: string
  readonly source: string
  readonly destination: string
  /** The link it would leave by, where the model alone cannot tell: of a guest that the model does not hold. */
  readonly out?: string
  /** True when the destination is one of the host's own addresses. */
  readonly local: boolean
  readonly protocol: 'tcp' | 'udp' | 'icmp'
  readonly port?: number
  /** Of icmp: an echo request. */
  readonly echo?: boolean
}

export interface Verdict {
  readonly passes: boolean
  /** `host`, `outside`, or the link of a guest. Where it would go, when it does not pass. */
  readonly to: string
  readonly why:
    | 'spoofed'
    | 'denied'
    | 'not listed'
    | 'allowed'
    | 'published'
    | 'echo'
    | 'outwards'
    | 'names'
    | 'edge'
    | 'not ours'
    | 'closed'
  /** Counter keys of the rules that it met. */
  readonly rules: readonly string[]
}

export function verdict(model: FirewallModel, packet: Packet): Verdict {
  const guests = new Map(model.guests.map((guest) => [guest.link, guest]))
  const source = guests.get(packet.from)
  const inside = packet.from.startsWith('croft')
  if (inside && (!source || !owns(source, packet.source) || isLoopback(packet.destination))) {
    return { passes: false, to: 'nowhere', why: 'spoofed', rules: [] }
  }
  const far = model.mesh && !inside && packet.from !== 'host' ? fromElsewhere(model, packet) : undefined
  if (far === 'spoofed') return { passes: false, to: 'nowhere', why: 'spoofed', rules: [] }
  if (source && isNames(packet)) return atNames(packet, source)
  if (far === 'guest' && packet.local) return { passes: false, to: 'host', why: 'closed', rules: [] }
  const door = packet.local ? findDoor(model, packet) : undefined
  if (packet.local && !door) return isEdge(model, packet) && source ? atEdge(packet, source) : atHost(packet, inside)
  const seen = door ? { ...packet, destination: door.address, port: door.port } : packet
  const target = model.guests.find((guest) => owns(guest, seen.destination))
  const to = target?.link ?? (door ? undefined : packet.out) ?? 'outside'
  if (packet.from === 'host' || (!inside && !to.startsWith('croft')))
    return { passes: true, to, why: 'not ours', rules: [] }
  if (far === 'host') return { passes: true, to, why: 'not ours', rules: [] }
  if (source && !mayGo(model, packet)) return { passes: false, to, why: 'closed', rules: [] }
  if (!target && to.startsWith('croft')) return { passes: packet.echo === true, to, why: 'closed', rules: [] }
  return { to, ...forward(seen, source, target, door !== undefined) }
}

/** Of several hosts: whose packet it is that bears an address of the farm and comes by no guest's link. `mesh` is the way that leads there. */
function fromElsewhere(model: FirewallModel, { from, source }: Packet): 'spoofed' | 'host' | 'guest' | undefined {
  const isHost = within(model.mesh, source)
  if (!isHost && !within(model, source)) return undefined
  const isOurs = model.guests.some((guest) => owns(guest, source))
  if (from !== 'mesh' || isOurs) return 'spoofed'
  return isHost ? 'host' : 'guest'
}

/** What a guest sends to a host of the farm is nothing that another host may believe. */
function mayGo(model: FirewallModel, { source, destination, port }: Packet): boolean {
  if (!model.mesh) return true
  if (model.mesh.doors.some(({ address, ports }) => address === destination && ports.includes(port ?? 0))) return false
  if (within(model.mesh, destination)) return false
  const here = model.guests.some((guest) => owns(guest, destination))
  return here || !within(model, destination) || within(model, source)
}

const within = (prefixes: Pick<FirewallModel, 'prefix4' | 'prefix6'> | undefined, address: string): boolean =>
  prefixes !== undefined &&
  [prefixes.prefix4, prefixes.prefix6].some((prefix) => contains(rangeOf(prefix), rangeOf(address)))

/** The name servers at the gateway; who has a list of ways out reaches the one that asks nobody. */
function atNames(packet: Packet, source: GuestRules): Verdict {
  const denied = find(source, 'deny', 'out', packet)
  if (denied) return { passes: false, to: 'host', why: 'denied', rules: [denied] }
  const listed = source.egressList && packet.port === namesPort ? find(source, 'allow', 'out', packet) : undefined
  return { passes: true, to: 'host', why: 'names', rules: listed ? [listed] : [] }
}

const isNames = ({ destination, protocol, port }: Packet): boolean =>
  destination === gateway4 && protocol !== 'icmp' && (port === namesPort || port === closedNamesPort)

const isEdge = ({ hostPorts = [] }: FirewallModel, { protocol, port, destination }: Packet): boolean =>
  protocol === 'tcp' && port !== undefined && hostPorts.includes(port) && !isGateway(destination)

const isGateway = (address: string): boolean => address === gateway4 || address === gateway6

/** A way out like any other, though it ends at this host. */
function atEdge(packet: Packet, source: GuestRules): Verdict {
  const denied = find(source, 'deny', 'out', packet)
  if (denied) return { passes: false, to: 'host', why: 'denied', rules: [denied] }
  const listed = source.egressList ? find(source, 'allow', 'out', packet) : undefined
  if (source.egressList && !listed) return { passes: false, to: 'host', why: 'not listed', rules: [] }
  return { passes: true, to: 'host', why: 'edge', rules: listed ? [listed] : [] }
}

function atHost(packet: Packet, inside: boolean): Verdict {
  if (!inside) return { passes: true, to: 'host', why: 'not ours', rules: [] }
  const passes = packet.echo === true
  return { passes, to: 'host', why: passes ? 'echo' : 'closed', rules: [] }
}

function forward(
  packet: Packet,
  source: GuestRules | undefined,
  target: GuestRules | undefined,
  published: boolean,
): Omit<Verdict, 'to'> {
  const denied = find(target, 'deny', 'in', packet) ?? find(source, 'deny', 'out', packet)
  if (denied) return { passes: false, why: 'denied', rules: [denied] }
  const listed = source?.egressList ? find(source, 'allow', 'out', packet) : undefined
  if (source?.egressList && !listed) return { passes: false, why: 'not listed', rules: [] }
  const rules = listed ? [listed] : []
  if (source && !source.egressList && !target && isCloud(packet.destination))
    return { passes: false, why: 'closed', rules }
  if (!target) return { passes: true, why: 'outwards', rules }
  if (packet.echo) return { passes: true, why: 'echo', rules }
  const allowed = find(target, 'allow', 'in', packet)
  if (allowed) return { passes: true, why: 'allowed', rules: [...rules, allowed] }
  return { passes: published, why: published ? 'published' : 'closed', rules }
}

function findDoor(model: FirewallModel, { protocol, port, destination }: Packet) {
  const doors = model.guests.flatMap((guest) =>
    guest.ports
      .filter((door) => door.protocol === protocol && door.hostPort === port)
      .map((door) => ({ guest, door, bound: door.address !== undefined })),
  )
  const at = rangeOf(destination)
  const fits = doors.filter(({ door }) => door.address === undefined || contains(rangeOf(door.address), at))
  const found = fits.find(({ bound }) => bound) ?? fits[0]
  if (!found) return undefined
  return { address: at.family === 4 ? found.guest.ipv4 : found.guest.ipv6, port: found.door.guestPort }
}

function find(
  guest: GuestRules | undefined,
  action: ResolvedRule['action'],
  direction: ResolvedRule['direction'],
  packet: Packet,
): string | undefined {
  if (!guest) return undefined
  const peer = rangeOf(direction === 'in' ? packet.source : packet.destination)
  const meets = guest.rules.filter(
    (rule) =>
      rule.action === action &&
      rule.direction === direction &&
      serves(rule, packet) &&
      rule.peers.some((range) => contains(rangeOf(range), peer)),
  )
  const rule = meets.find(({ service }) => service.protocol !== 'any') ?? meets[0]
  return rule && counterKey(guest.number, rule.index)
}

function serves({ service }: ResolvedRule, { protocol, port = 0 }: Packet): boolean {
  if (service.protocol === 'any') return true
  if (service.protocol !== protocol) return false
  return protocol === 'icmp' || ((service.from ?? 0) <= port && port <= (service.to ?? 65535))
}

function owns(guest: GuestRules, address: string): boolean {
  const range = rangeOf(address)
  return [guest.ipv4, guest.ipv6, ...(guest.more ?? []), ...(guest.via ?? [])].some((own) =>
    contains(rangeOf(own), range),
  )
}

const isCloud = (address: string): boolean =>
  [...cloudAddresses.v4, ...cloudAddresses.v6].some((range) => contains(rangeOf(range), rangeOf(address)))

const isLoopback = (address: string): boolean => contains(rangeOf('127.0.0.0/8'), rangeOf(address)) || address === '::1'
