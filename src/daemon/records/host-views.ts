/** Hosts as they are shown: what the store says of each, on whatever host it is asked for. */
import os from 'node:os'
import type { GuestStatus } from '../../api/guest.ts'
import type { Host, HostRoom } from '../../api/host.ts'
import { mostOf, nothingPromised } from '../../plan/promised.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import { readPressure } from '../usage/pressure.ts'
import { keys } from './keys.ts'
import { sumOf } from './promises.ts'
import { type FactsRecord, type Held, type HostRecord, type NumbersRecord, readAll } from './records.ts'
import { readVersions } from './versions.ts'

/** All that placement and people ask of a host, read at once for all of them. */
export interface KnownHost {
  readonly host: Held<HostRecord>
  readonly facts: FactsRecord | undefined
  readonly numbers: NumbersRecord | undefined
  /** Of its croft; undefined until that has opened the store. */
  readonly version: string | undefined
  readonly abilities: readonly string[] | undefined
  /** Its daemon speaks with the store. */
  readonly alive: boolean
}

export async function readHosts(daemon: Pick<Daemon, 'store' | 'open'>): Promise<KnownHost[]> {
  const { store } = daemon
  const [hosts, facts, numbers, alive, versions] = await Promise.all([
    readAll<HostRecord>(store, keys.hosts),
    readAll<FactsRecord>(store, keys.allFacts),
    readAll<NumbersRecord>(store, keys.allNumbers),
    readAll(store, keys.allAlive),
    readVersions(store),
  ])
  const byHost = <T>(prefix: string, held: readonly Held<T>[]) =>
    new Map(held.map(({ key, value }) => [key.slice(prefix.length), value]))
  const [factsOf, numbersOf] = [byHost(keys.allFacts, facts), byHost(keys.allNumbers, numbers)]
  const living = byHost(keys.allAlive, alive)
  const own = daemon.open()?.parts.host.name
  return hosts.map((host) => {
    const { name } = host.value
    return {
      ...{ host, facts: factsOf.get(name), numbers: numbersOf.get(name) },
      ...{ version: versions.hosts[name]?.version, abilities: versions.hosts[name]?.abilities },
      alive: living.has(name) || (name === own && hosts.length === 1),
    }
  })
}

export const stateOf = ({ host: { value }, alive }: Pick<KnownHost, 'host' | 'alive'>): Host['state'] => {
  if (value.dead !== undefined) return 'dead'
  if (!alive) return 'away'
  return value.drained ? 'drained' : 'up'
}

export async function viewHost(daemon: Daemon, known: KnownHost, isAlone: boolean): Promise<Host> {
  const { parts } = getFarm(daemon)
  const { value } = known.host
  const state = stateOf(known)
  const facts = value.name === parts.host.name ? await ownFacts(daemon) : known.facts
  const statuses = await readAll<GuestStatus>(daemon.store, keys.guestStatuses(value.name))
  const { entries, next } = await daemon.store.list(keys.guests(value.name))
  const total = next === undefined ? entries.length : (await readAll(daemon.store, keys.guests(value.name))).length
  const isThere = state === 'up' || state === 'drained'
  const running = isThere ? statuses.filter((status) => status.value.state === 'running').length : null
  return {
    ...{ name: value.name, number: value.number, state, uidBase: value.uidBase },
    since: value.dead ?? (state === 'away' ? (known.facts?.at ?? null) : null),
    ...{ witness: value.witness === true, drained: value.drained === true, tags: value.tags ?? [] },
    ...{ address: value.address ?? null, version: known.version ?? null, guests: { running, total } },
    ...(await roomsOf(daemon, known, { facts, isAlone, isThere })),
    overcommit: value.overcommit ?? null,
    diskOvercommit: value.diskOvercommit ?? null,
    ...{ reserveBytes: value.reserveBytes ?? null, sendRate: value.sendRate ?? null },
    cpus: facts?.cpus ?? null,
    ...{ load: isThere && facts ? [facts.load, 0, 0] : null, pressure: null, uptimeSeconds: null },
    ...(value.name === parts.host.name ? live() : {}),
  }
}

/** What only the host itself can tell. */
function live(): Pick<Host, 'load' | 'pressure' | 'uptimeSeconds'> {
  const [one = 0, five = 0, fifteen = 0] = os.loadavg()
  return { load: [one, five, fifteen], pressure: readPressure(), uptimeSeconds: Math.round(os.uptime()) }
}

type Facts = Pick<FactsRecord, 'cpus' | 'load' | 'memory' | 'pools'>

async function ownFacts(daemon: Daemon): Promise<Facts> {
  const { machine, pools } = getFarm(daemon).parts
  const states = await Promise.all(pools.names.map(async (name) => [name, await pools.state(name)] as const))
  const there = states.flatMap(([name, { totalBytes, freeBytes }]) =>
    totalBytes === null || freeBytes === null ? [] : [[name, { totalBytes, freeBytes }] as const],
  )
  return { ...machine(), pools: Object.fromEntries(there) }
}

interface Seen {
  readonly facts: Facts | undefined
  readonly isAlone: boolean
  readonly isThere: boolean
}

async function roomsOf(
  { store }: Daemon,
  { host: { value }, numbers }: KnownHost,
  { facts, isAlone, isThere }: Seen,
): Promise<Pick<Host, 'memory' | 'pools'>> {
  const promised = numbers ? (numbers.promised ?? (await sumOf(store, value.name))) : nothingPromised
  const disk = Object.entries(facts?.pools ?? {}).map(([pool, { totalBytes }]) => [pool, totalBytes] as const)
  const most = facts
    ? mostOf(value, { memoryBytes: facts.memory.totalBytes, disk: Object.fromEntries(disk) }, isAlone)
    : { disk: {} as Readonly<Record<string, number>> }
  const memory: HostRoom = {
    totalBytes: facts?.memory.totalBytes ?? null,
    freeBytes: isThere ? (facts?.memory.freeBytes ?? null) : null,
    promisedBytes: promised.memoryBytes,
    mostBytes: ('memoryBytes' in most ? most.memoryBytes : undefined) ?? null,
  }
  const names = [...new Set([...Object.keys(facts?.pools ?? {}), ...Object.keys(promised.disk)])]
  const pools = names.map((pool): [string, HostRoom] => [
    pool,
    {
      totalBytes: facts?.pools[pool]?.totalBytes ?? null,
      freeBytes: isThere ? (facts?.pools[pool]?.freeBytes ?? null) : null,
      promisedBytes: promised.disk[pool] ?? 0,
      mostBytes: most.disk[pool] ?? null,
    },
  ])
  return { memory, pools: Object.fromEntries(pools) }
}

/** What an operator says of a host, as history tells it. */
export const settingsOf = ({ tags = [], drained, overcommit, diskOvercommit, reserveBytes, sendRate }: HostRecord) => ({
  ...{ tags, drained: drained === true },
  ...(overcommit === undefined ? {} : { overcommit }),
  ...(diskOvercommit === undefined ? {} : { diskOvercommit }),
  ...(reserveBytes === undefined ? {} : { reserveBytes }),
  ...(sendRate === undefined ? {} : { sendRate }),
})
