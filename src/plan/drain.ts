/** Where the guests of a host go that is to be empty: one after another, each on what those before it leave. Pure. */
import type { GuestSpec } from '../api/guest.ts'
import { promisedTo } from './balance.ts'
import { type PlacementAsk, type PlacementHost, place } from './placement.ts'

export interface Leaver {
  readonly name: string
  readonly ask: PlacementAsk
  /** What keeps it where it is. */
  readonly bound?: string | undefined
  /** Hosts that are out of the question for another reason than room. */
  readonly barred: Readonly<Record<string, string>>
}

export interface DrainPlan {
  readonly goes: readonly { readonly guest: string; readonly to: string; readonly why: string }[]
  /** `room`: it could go, and nobody can take it. */
  readonly stays: readonly { readonly guest: string; readonly why: string; readonly kind: 'bound' | 'room' }[]
}

/** So many hosts are told when none of them can take it. */
const toldHosts = 5

export function planDrain(hosts: readonly PlacementHost[], from: string, guests: readonly Leaver[]): DrainPlan {
  const now = new Map(hosts.filter(({ name }) => name !== from).map((host) => [host.name, host]))
  const goes: DrainPlan['goes'][number][] = []
  const stays: DrainPlan['stays'][number][] = []
  for (const { name: guest, ask, bound, barred } of largestFirst(guests)) {
    if (bound !== undefined) {
      stays.push({ guest, why: bound, kind: 'bound' })
      continue
    }
    const { candidates, refused } = place([...now.values()], ask)
    const best = candidates.find(({ host }) => barred[host] === undefined)
    const target = best && now.get(best.host)
    if (!best || !target) {
      const able = candidates.map(({ host }) => ({ host, why: barred[host] ?? '' }))
      stays.push({ guest, why: noRoom([...able, ...refused]), kind: 'room' })
      continue
    }
    now.set(target.name, promisedTo(target, ask, 1))
    goes.push({ guest, to: best.host, why: best.reasons[0]?.why ?? '' })
  }
  return { goes, stays }
}

/** Large ones find no place any more when the small ones have theirs. */
export const largestFirst = <T extends Pick<Leaver, 'name' | 'ask'>>(guests: readonly T[]): T[] =>
  guests.toSorted((a, b) => b.ask.memoryBytes - a.ask.memoryBytes || (a.name < b.name ? -1 : 1))

function noRoom(whys: readonly { readonly host: string; readonly why: string }[]): string {
  if (whys.length === 0) return 'there is no other host'
  const told = whys.slice(0, toldHosts).map(({ host, why }) => `${host}: ${why}`)
  return `no host can take it (${[...told, ...(whys.length > toldHosts ? [`and ${whys.length - toldHosts} more`] : [])].join('; ')})`
}

/** What goes in one: a guest, or the lasting data of a site with the instances that have it. */
export interface Load<T> {
  readonly name: string
  readonly guests: readonly [T, ...T[]]
  readonly site?: string
}

export function loadsOf<T extends { readonly name: string; readonly spec: Pick<GuestSpec, 'part' | 'volumes'> }>(
  guests: readonly T[],
): readonly Load<T>[] {
  const loads = Map.groupBy(guests, (guest) => dataSiteOf(guest) ?? guest.name)
  return [...loads].map(([name, all]) => {
    const [first] = all
    const site = first && dataSiteOf(first)
    return { name, guests: all as unknown as [T, ...T[]], ...(site === undefined ? {} : { site }) }
  })
}

const dataSiteOf = ({ spec: { part, volumes = [] } }: { spec: Pick<GuestSpec, 'part' | 'volumes'> }) =>
  part?.kind === 'instance' && volumes.length > 0 ? part.site : undefined

/** What binds a guest to the host where it is. */
export function boundTo(
  host: string,
  name: string,
  { addresses = [], mounts = [], run }: Pick<GuestSpec, 'addresses' | 'mounts' | 'run'>,
): { readonly why: string; readonly hint: string } | undefined {
  // One of a network comes in wherever that network is.
  const [address] = addresses.filter(({ network }) => network === undefined)
  const [mount] = mounts
  if (address)
    return { why: `the address ${address.address} comes in at ${host}`, hint: `croft address rm ${address.address}` }
  if (mount)
    return { why: `it has a folder of ${host}, ${mount.source}`, hint: `croft mount rm ${name} ${mount.target}` }
  if (run === 'frozen')
    return { why: 'it is frozen, and what it holds in memory would be lost', hint: `croft unfreeze ${name}` }
  return undefined
}
