/**
 * Brings the kernel's rules to what the records say. Many guests may ask at once: while one change is under way the next
 * ones gather and go together. `open` and `close` return when the kernel holds the change.
 */
import { toCroftError } from '../../api/errors.ts'
import type { GuestPart, GuestStatus, Rule } from '../../api/guest.ts'
import { portsIn } from '../../drivers/edge/missed.ts'
import { ipv4Of, ipv6Of, linkOf } from '../../plan/addresses.ts'
import { type CompiledFirewall, compileFirewall, type FirewallGuest } from '../../plan/firewall.ts'
import { doorsOfOthers } from '../../plan/host-doors.ts'
import { heardBy } from '../edge/keeper.ts'
import { listEdgePorts } from '../records/edge-ports.ts'
import { keys } from '../records/keys.ts'
import { type FarmRecord, type GuestRecord, type Held, readAll } from '../records/records.ts'
import type { HostParts } from './parts.ts'

export interface FirewallGate {
  open(number: number): Promise<void>
  close(number: number): Promise<void>
  /** After a change of rules or ports, and at the start with all numbers that may have a link. */
  refresh(openNow?: Iterable<number>): Promise<void>
  /** Something of guests or sites elsewhere is new: only rules that name them make a difference. */
  refreshFor(names: ReadonlySet<string>): Promise<void>
  /** Tells the uplink once more what the host answers for: a link that was down has forgotten it. */
  announceAgain(): Promise<void>
  /** The ports that the edge hears: others may be another program's, and are not opened to guests. */
  hear(ports: readonly number[]): Promise<void>
  isOpen(number: number): boolean
}

export function createFirewallGate(parts: HostParts): FirewallGate {
  const opened = new Set<number>()
  /** Undefined before anybody asked. The keeper of the edge tells from then on: in the middle of a reload nobody could be asked. */
  let heard: Heard | undefined
  let next: Promise<void> | undefined
  let running: Promise<void> = Promise.resolve()

  let knownDoors = 'one host'

  /** Joins the change that has not begun yet, or begins one after the running one. */
  function request(): Promise<void> {
    if (next) return next
    const mine = running
      .catch(() => {})
      .then(() => {
        next = undefined
        running = reconcile()
        return running
      })
    next = mine
    return mine
  }

  const takes = (guest: GuestRecord) => opened.has(guest.number)

  async function reconcile(): Promise<void> {
    heard ??= await askWhatIsHeard(parts)
    const { model, announced, taken } = await compileFor(parts, takes, heard)
    parts.failpoint('firewall.before')
    await parts.firewall.reconcile(model)
    await parts.network.announce(announced)
    const networks = parts.vlans.bring(taken)
    if (networks) await networks
    parts.failpoint('firewall.after')
  }

  return {
    isOpen: (number) => opened.has(number),
    async hear(ports) {
      if (heard instanceof Set && heard.symmetricDifference(new Set(ports)).size === 0) return
      heard = new Set(ports)
      await request()
    },
    async refreshFor(names) {
      try {
        const doors = parts.elsewhere.several() ? JSON.stringify(doorsOf(parts)) : 'one host'
        if (doors === knownDoors && !(await namesAny(parts, names))) return
        await request()
        knownDoors = doors
      } catch (thrown) {
        parts.log.warn({}, `rules that name other hosts' guests: ${toCroftError(thrown).message}`)
      }
    },
    async announceAgain() {
      const { announced, taken } = await compileFor(parts, takes)
      await parts.network.announce(announced)
      await parts.vlans.bring(taken)
    },
    open(number) {
      opened.add(number)
      return request()
    },
    close(number) {
      opened.delete(number)
      return request()
    },
    refresh(openNow) {
      if (openNow) {
        opened.clear()
        for (const number of openNow) opened.add(number)
        parts.vlans.trust([...opened])
      }
      return request()
    },
  }
}

async function namesAny({ store, host }: HostParts, names: ReadonlySet<string>): Promise<boolean> {
  if (names.size === 0) return false
  const records = await readAll<GuestRecord>(store, keys.guests(host.name))
  const sites = records.flatMap(({ value: { spec } }) => (spec.part?.kind === 'instance' ? [spec.part.site] : []))
  const peers = records.flatMap(({ value }) => value.spec.rules.map(({ peer }) => peer))
  return [...peers, ...sites].some((peer) => names.has(peer))
}

type Heard = ReadonlySet<number> | 'all'

export interface Compiled extends CompiledFirewall {
  /** Addresses of those guests that the host answers for on its uplink. */
  readonly announced: readonly string[]
  /** Those guests. */
  readonly taken: readonly GuestRecord[]
}

/** Compiles the rules of this host's guests for which `takes` is true, with what they can never do. */
export async function compileFor(
  parts: HostParts,
  takes: (guest: GuestRecord) => boolean,
  heard: Heard = 'all',
): Promise<Compiled> {
  const records = await readAll<GuestRecord>(parts.store, keys.guests(parts.host.name))
  const { uplink } = await parts.network.uplink()
  const ports = await listEdgePorts(parts.store, parts.host.name)
  const hostPorts = ports.filter((port) => heard === 'all' || heard.has(port))
  const taken = records.map(({ value }) => value).filter(takes)
  const announced = taken.flatMap(announcedOf)
  return { ...compileRecords(records, parts, { uplink, hostPorts }, takes), announced, taken }
}

/** By the kept plan nobody can say: it serves as it did. A host without routes need not ask. */
async function askWhatIsHeard({ edge, store, host }: HostParts): Promise<Heard> {
  if (edge === undefined) return 'all'
  const ports = await listEdgePorts(store, host.name)
  return new Set(ports.length > 0 ? portsIn(await heardBy(edge)) : [])
}

const announcedOf = ({ spec }: GuestRecord): string[] =>
  (spec.addresses ?? []).filter(({ announce }) => announce).map(({ address }) => address)

/** Whom rules may name, on whatever host. */
interface Peer {
  readonly name: string
  readonly number: number
  readonly deleting?: boolean
  readonly part: GuestPart | undefined
  readonly addresses: readonly string[]
}

const doorsOf = ({ host, elsewhere }: Pick<HostParts, 'host' | 'elsewhere'>) =>
  doorsOfOthers(elsewhere.hosts(), host.name)

function compileRecords(
  records: readonly Held<GuestRecord>[],
  { farm, host, elsewhere, vlans }: Pick<HostParts, 'farm' | 'host' | 'elsewhere' | 'vlans'>,
  { uplink, hostPorts }: { readonly uplink: string | null; readonly hostPorts: readonly number[] },
  takes: (guest: GuestRecord) => boolean,
): CompiledFirewall {
  const here = records.map(
    ({ value }): Peer => ({ ...value, part: value.spec.part, addresses: publicOf(value, true, false) }),
  )
  const all = [...here, ...elsewhere.guests()]
  const byName = new Map(all.map((guest) => [guest.name, guest]))
  const addressesOf = ({ number, addresses }: Peer) => [
    ipv4Of(farm.prefix4, number),
    ipv6Of(farm.prefix6, number),
    ...addresses,
  ]
  const bySite = Map.groupBy(
    all.filter(({ deleting }) => !deleting),
    ({ part }) => (part?.kind === 'instance' ? part.site : undefined),
  )
  return compileFirewall({
    prefix4: farm.prefix4,
    prefix6: farm.prefix6,
    ...{ uplink, hostPorts, several: elsewhere.several(), doors: doorsOf({ host, elsewhere }) },
    addressesOf(name) {
      if (name.includes('/')) return bySite.get(name)?.flatMap(addressesOf)
      const guest = byName.get(name)
      return guest && addressesOf(guest)
    },
    guests: records.filter(({ value }) => takes(value)).map(({ value }) => firewallGuest(value, farm, vlans)),
  })
}

function firewallGuest(guest: GuestRecord, farm: FarmRecord, vlans: HostParts['vlans']): FirewallGuest {
  const { limits, ports } = guest.spec
  const { netRate, netRateIn: rateIn = netRate, netRateOut: rateOut = netRate } = limits
  return {
    number: guest.number,
    name: guest.name,
    link: linkOf(guest.number),
    ipv4: ipv4Of(farm.prefix4, guest.number),
    ipv6: ipv6Of(farm.prefix6, guest.number),
    ports,
    rules: [...guest.spec.rules, ...ruleOfPart(guest.spec.part, farm)],
    more: publicOf(guest, false),
    via: publicOf(guest, true).filter((address) => !vlans.refused().has(address)),
    ...(rateIn === undefined ? {} : { rateIn }),
    ...(rateOut === undefined ? {} : { rateOut }),
  }
}

/** Instances of a site are open to each other; what a build runs nobody knows, and it needs nothing of the farm. Behind the guest's own. */
function ruleOfPart(part: GuestPart | undefined, { prefix4, prefix6 }: FarmRecord): Rule[] {
  const all = { service: { protocol: 'any' }, log: false } as const
  if (part?.kind === 'instance') return [{ action: 'allow', direction: 'in', peer: part.site, ...all }]
  if (part?.kind !== 'build') return []
  return [prefix4, prefix6].map((peer) => ({ action: 'deny', direction: 'out', peer, ...all }))
}

/** Public addresses, or those of networks of the site. */
const publicOf = ({ spec }: GuestRecord, ...ofNetworks: readonly boolean[]): string[] =>
  (spec.addresses ?? []).flatMap(({ address, network }) => (ofNetworks.includes(network !== undefined) ? address : []))

export type { GuestStatus }
