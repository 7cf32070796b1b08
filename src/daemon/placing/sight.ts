/** What placement is decided on: hosts as the store tells of them, and what a guest asks for. */

import type { GuestSpec } from '../../api/guest.ts'
import type { PlacementAsk, PlacementHost, Room } from '../../plan/placement.ts'
import { type Most, mostOf, nothingPromised, promiseOf } from '../../plan/promised.ts'
import type { Daemon } from '../daemon.ts'
import type { MembersRecord } from '../records/app-records.ts'
import { type KnownHost, readHosts } from '../records/host-views.ts'
import { keys } from '../records/keys.ts'
import { networksOf } from '../records/networks.ts'
import { sumOf } from '../records/promises.ts'
import { type GuestRecord, type NameRecord, read, readAll } from '../records/records.ts'

export async function readPlacementHosts(
  daemon: Pick<Daemon, 'store' | 'open'>,
  { guest, spec }: Partial<Asking> = {},
): Promise<PlacementHost[]> {
  const known = await readHosts(daemon)
  const all = await Promise.all(known.map((host) => sightOf(daemon, host, known.length === 1)))
  return guest && spec ? all.map((host) => (host.name === guest.host ? without(host, spec) : host)) : all
}

function without(host: PlacementHost, spec: Asking['spec']): PlacementHost {
  const promise = promiseOf(spec)
  const less = (room: Room, bytes = 0): Room => ({ ...room, promisedBytes: Math.max(0, room.promisedBytes - bytes) })
  const pools = Object.entries(host.pools).map(([pool, room]) => [pool, less(room, promise.disk[pool])] as const)
  return { ...host, memory: less(host.memory, promise.memoryBytes), pools: Object.fromEntries(pools) }
}

async function sightOf({ store }: Pick<Daemon, 'store'>, known: KnownHost, isAlone: boolean): Promise<PlacementHost> {
  const { facts, numbers, alive, version, abilities } = known
  const { name, dead, drained, witness, tags = [], ...settings } = known.host.value
  const promised = numbers ? (numbers.promised ?? (await sumOf(store, name))) : nothingPromised
  const totals = Object.entries(facts?.pools ?? {}).map(([pool, { totalBytes }]) => [pool, totalBytes] as const)
  const most: Most = facts
    ? mostOf(settings, { memoryBytes: facts.memory.totalBytes, disk: Object.fromEntries(totals) }, isAlone)
    : { disk: {} }
  const room = (of: { totalBytes: number; freeBytes: number }, promisedBytes = 0, mostBytes?: number): Room => ({
    ...{ totalBytes: of.totalBytes, freeBytes: of.freeBytes, promisedBytes },
    ...(mostBytes === undefined ? {} : { mostBytes }),
  })
  const pools = Object.entries(facts?.pools ?? {}).map(
    ([pool, of]) => [pool, room(of, promised.disk[pool], most.disk[pool])] as const,
  )
  return {
    name,
    state: dead !== undefined ? 'dead' : facts === undefined ? 'unknown' : alive ? 'up' : 'away',
    ...{ drained: drained === true, witness: witness === true, tags },
    ...{ cpus: facts?.cpus ?? 0, load: facts?.load ?? 0 },
    memory: room(facts?.memory ?? { totalBytes: 0, freeBytes: 0 }, promised.memoryBytes, most.memoryBytes),
    pools: Object.fromEntries(pools),
    templates: new Set(facts?.templates ?? []),
    ...(version === undefined ? {} : { version }),
    ...(abilities === undefined ? {} : { abilities }),
    ...(facts?.uplinks === undefined ? {} : { uplinks: facts.uplinks }),
    ...(facts?.untagged === undefined ? {} : { untagged: facts.untagged }),
  }
}

export interface Asking {
  readonly spec: Pick<GuestSpec, 'limits' | 'pool' | 'labels' | 'part' | 'addresses'>
  /** Of its template. */
  readonly template?: string
  readonly host?: string | undefined
  /** It is there already: what it was promised is not asked for twice, and it is nobody's neighbour. */
  readonly guest?: { readonly name: string; readonly host: string }
  /** Instances of its site that are about to go. */
  readonly leaving?: readonly string[]
}

/** What a guest says of where it would be: labels, so that every way to make one takes them. */
export const placementLabels = { near: 'near', away: 'away', tags: 'host-tags' } as const

export async function askFor(
  daemon: Pick<Daemon, 'store'>,
  { spec, template, host, guest, leaving = [] }: Asking,
): Promise<PlacementAsk> {
  const promise = promiseOf(spec)
  const but = guest ? [guest.name, ...leaving] : leaving
  const { labels, part, pool } = spec
  const [networks, near, away, instances] = await Promise.all([
    networksOf(daemon.store, spec),
    hostsOf(daemon, labels[placementLabels.near], but),
    hostsOf(daemon, labels[placementLabels.away], but),
    part?.kind === 'instance' ? instancesOf(daemon, part.site, but) : undefined,
  ])
  return {
    ...{ memoryBytes: promise.memoryBytes, diskBytes: promise.disk[pool] ?? 0, pool },
    tags: wordsOf(labels[placementLabels.tags]),
    ...(networks.length === 0 ? {} : { needs: ['vlans'], uplinks: networks.map(({ uplink }) => uplink) }),
    ...(template === undefined ? {} : { template }),
    ...(host === undefined ? {} : { host }),
    ...(near === undefined ? {} : { near }),
    ...(away === undefined ? {} : { away }),
    ...(instances === undefined ? {} : { instances }),
  }
}

const wordsOf = (text = ''): string[] => text.split(',').flatMap((word) => (word.trim() === '' ? [] : [word.trim()]))

/** Guests by name, all of a site, all with a label `key=value`; by their hosts. Names of nobody are passed over. */
async function hostsOf(daemon: Pick<Daemon, 'store'>, text: string | undefined, but: readonly string[]) {
  const words = wordsOf(text)
  if (words.length === 0) return undefined
  const found: Record<string, string[]> = {}
  const note = (host: string, name: string) => {
    if (but.includes(name)) return
    found[host] = [...(found[host] ?? []), name]
  }
  const byLabel = words.filter((word) => word.includes('='))
  for (const word of words.filter((each) => !each.includes('='))) {
    const named = await read<NameRecord>(daemon.store, keys.name(word))
    if (named) note(named.value.host, word)
    for (const [host, count] of Object.entries(await instancesOf(daemon, word, but))) if (count > 0) note(host, word)
  }
  if (byLabel.length > 0)
    for (const { value } of await readAll<GuestRecord>(daemon.store, keys.allGuests))
      if (
        byLabel.some(
          (word) => value.spec.labels[word.slice(0, word.indexOf('='))] === word.slice(word.indexOf('=') + 1),
        )
      )
        note(value.host, value.name)
  return found
}

/** How many instances of a site each host has. */
async function instancesOf(
  { store }: Pick<Daemon, 'store'>,
  site: string,
  but: readonly string[],
): Promise<Record<string, number>> {
  const members = (await read<MembersRecord>(store, keys.membersOf(site)))?.value.members ?? []
  const counted = members.filter(({ name }) => !but.includes(name))
  const hosts = await Promise.all(counted.map(({ name }) => read<NameRecord>(store, keys.name(name))))
  const counts: Record<string, number> = {}
  for (const held of hosts) if (held) counts[held.value.host] = (counts[held.value.host] ?? 0) + 1
  return counts
}
