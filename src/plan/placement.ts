/**
 * On which host a guest is put, and why: pure. First whoever cannot take it is left out, each with the reason; among the others
 * points decide, and with the same points the name, so that two who ask alike hear alike.
 */
import { roughSize } from './amount.ts'
import { type Ability, abilities } from './versions.ts'

/** Something that is promised to guests: memory, or a pool's disk. */
export interface Room {
  readonly totalBytes: number
  /** Free in fact, whatever is promised. */
  readonly freeBytes: number
  readonly promisedBytes: number
  /** How much may be promised; absent: as much as anybody asks for. */
  readonly mostBytes?: number
}

export interface PlacementHost {
  readonly name: string
  /** `unknown`: it never said what it can take. `away`: its daemon does not speak with the store. */
  readonly state: 'up' | 'away' | 'unknown' | 'dead'
  readonly drained?: boolean
  /** It votes in the store, and runs nothing. */
  readonly witness?: boolean
  readonly tags: readonly string[]
  readonly cpus: number
  /** Of the last minute. */
  readonly load: number
  readonly memory: Room
  readonly pools: Readonly<Record<string, Room>>
  /** Ids of the templates that lie there. */
  readonly templates: ReadonlySet<string>
  /** Of its croft. */
  readonly version?: string
  readonly abilities?: readonly string[]
  /** Devices that a network could be on; absent: it has not said. */
  readonly uplinks?: readonly string[]
  /** Why no network on a VLAN can be there, whatever its device. */
  readonly untagged?: string
}

export interface PlacementAsk {
  readonly memoryBytes: number
  readonly diskBytes: number
  readonly pool: string
  /** What comes along and is there already: so much must be free. */
  readonly dataBytes?: number
  /** The template's id. */
  readonly template?: string
  /** The host was named: nobody else comes into question. */
  readonly host?: string
  /** All of these the host must have. */
  readonly tags?: readonly string[]
  /** What the croft of its host must be able to do. */
  readonly needs?: readonly Ability[]
  /** Devices that its networks are on. */
  readonly uplinks?: readonly string[]
  /** How many other instances of its site each host has. */
  readonly instances?: Readonly<Record<string, number>>
  /** Whom it would like to be beside, and not beside: names, by host. */
  readonly near?: Readonly<Record<string, readonly string[]>>
  readonly away?: Readonly<Record<string, readonly string[]>>
}

export interface Reason {
  readonly points: number
  readonly why: string
}
export interface Candidate {
  readonly host: string
  readonly points: number
  readonly reasons: readonly Reason[]
}
export interface Refusal {
  readonly host: string
  readonly why: string
}
export interface Placement {
  /** Best first. */
  readonly candidates: readonly Candidate[]
  readonly refused: readonly Refusal[]
}

/** A pool with less free than this share takes nothing new: guests that are there already need it. */
export const leastFreeShare = 0.05

/** The best `most` hosts, told in full. Who was refused is told when nobody is left, or when all is asked for. */
export function place(hosts: readonly PlacementHost[], ask: PlacementAsk, most = Number.POSITIVE_INFINITY): Placement {
  const wanted = ask.host === undefined ? hosts : hosts.filter(({ name }) => name === ask.host)
  const best: Scored[] = []
  for (const host of wanted) {
    if (obstacleOf(host, ask) !== undefined) continue
    insert(best, { host, tenths: tenthsOf(host, ask) }, most)
  }
  return {
    candidates: best.map(({ host, tenths }) => ({
      host: host.name,
      points: tenths / 10,
      reasons: reasonsOf(host, ask),
    })),
    refused: best.length === 0 || most === Number.POSITIVE_INFINITY ? refusals(wanted, ask) : [],
  }
}

/** Why this host cannot take it; undefined when it can. */
export function whyNot(host: PlacementHost, ask: PlacementAsk): string | undefined {
  const obstacle = obstacleOf(host, ask)
  return obstacle && obstacles[obstacle](host, ask)
}

interface Scored {
  readonly host: PlacementHost
  readonly tenths: number
}

const isBefore = (one: Scored, other: Scored): boolean =>
  one.tenths === other.tenths ? one.host.name < other.host.name : one.tenths > other.tenths

/** Most hosts are worse than the few that are kept: they cost one comparison. */
function insert(best: Scored[], one: Scored, most: number): void {
  const last = best.at(-1)
  if (best.length >= most && last && !isBefore(one, last)) return
  let at = best.length
  while (at > 0 && isBefore(one, best[at - 1] as Scored)) at--
  best.splice(at, 0, one)
  if (best.length > most) best.pop()
}

const refusals = (hosts: readonly PlacementHost[], ask: PlacementAsk): Refusal[] =>
  hosts.flatMap((host) => {
    const why = whyNot(host, ask)
    return why === undefined ? [] : [{ host: host.name, why }]
  })

type Obstacle =
  | 'dead'
  | 'witness'
  | 'unknown'
  | 'away'
  | 'drained'
  | 'tooOld'
  | 'network'
  | 'tag'
  | 'noPool'
  | 'memory'
  | 'disk'
  | 'full'
  | 'data'

/** Only a word: of thousands of hosts nobody reads the sentence. */
function obstacleOf(host: PlacementHost, ask: PlacementAsk): Obstacle | undefined {
  if (host.state === 'dead') return 'dead'
  if (host.witness) return 'witness'
  if (host.state !== 'up') return host.state
  if (host.drained) return 'drained'
  if (ask.needs !== undefined && missingAbility(host, ask) !== undefined) return 'tooOld'
  if (ask.uplinks !== undefined && whyNoNetwork(host, ask) !== undefined) return 'network'
  if (ask.tags !== undefined && missingTag(host, ask) !== undefined) return 'tag'
  const pool = host.pools[ask.pool]
  if (pool === undefined) return 'noPool'
  if (leftOf(host.memory) < ask.memoryBytes) return 'memory'
  if (leftOf(pool) < ask.diskBytes) return 'disk'
  if (pool.freeBytes < pool.totalBytes * leastFreeShare) return 'full'
  return pool.freeBytes - (ask.dataBytes ?? 0) < pool.totalBytes * leastFreeShare ? 'data' : undefined
}

const obstacles: Readonly<Record<Obstacle, (host: PlacementHost, ask: PlacementAsk) => string>> = {
  dead: () => 'it was declared dead',
  witness: () => 'it votes, and runs nothing',
  unknown: () => 'it has not said yet what it can take',
  away: () => 'it is away',
  drained: () => 'it is drained',
  tooOld: (host, ask) =>
    `its croft ${host.version ?? 'of an older kind'} cannot do this yet: ${abilities[missingAbility(host, ask) as Ability]}`,
  network: (host, ask) => whyNoNetwork(host, ask) ?? '',
  tag: (host, ask) => `it has no tag ${missingTag(host, ask)}`,
  noPool: (_host, { pool }) => `it has no pool ${pool}`,
  memory: ({ memory }, ask) => `${roughSize(ask.memoryBytes)} of memory do not fit: ${leftText(memory)}`,
  disk: ({ pools }, ask) =>
    `${roughSize(ask.diskBytes)} of disk do not fit: ${leftText(pools[ask.pool] as Room)} in pool ${ask.pool}`,
  data: ({ pools }, { pool, dataBytes = 0 }) =>
    `${roughSize(dataBytes)} of data do not fit: ${roughSize(pools[pool]?.freeBytes ?? 0)} of ${roughSize(pools[pool]?.totalBytes ?? 0)} free in pool ${pool}`,
  full: ({ pools }, { pool }) =>
    `pool ${pool} is nearly full: ${roughSize(pools[pool]?.freeBytes ?? 0)} of ${roughSize(pools[pool]?.totalBytes ?? 0)} free`,
}

const missingAbility = ({ abilities: can = [] }: PlacementHost, { needs }: PlacementAsk): Ability | undefined =>
  needs?.find((each) => !can.includes(each))

function whyNoNetwork({ uplinks, untagged }: PlacementHost, ask: PlacementAsk): string | undefined {
  if (uplinks === undefined) return 'it has not said yet which devices it has'
  const missing = ask.uplinks?.find((each) => !uplinks.includes(each))
  if (missing !== undefined) return `it has no uplink ${missing}`
  return untagged === undefined ? undefined : `it can make no VLAN device: ${untagged}`
}

const missingTag = ({ tags }: PlacementHost, ask: PlacementAsk): string | undefined =>
  ask.tags?.find((tag) => !tags.includes(tag))

const leftOf = ({ mostBytes = Number.POSITIVE_INFINITY, promisedBytes }: Room): number => mostBytes - promisedBytes

const leftText = (room: Room): string =>
  `${roughSize(Math.max(0, leftOf(room)))} of ${roughSize(room.mostBytes ?? 0)} not promised`

type Points = (host: PlacementHost, ask: PlacementAsk) => number

/** In tenths, so that what is shown adds up. What a host itself offers gives 100 points at most; wishes outweigh that, spread outweighs all. */
const memoryLeft: Points = ({ memory }, { memoryBytes }) =>
  share(400, baseOf(memory) - memory.promisedBytes - memoryBytes, baseOf(memory))
const diskFree: Points = ({ pools }, { pool }) => {
  const room = pools[pool]
  return room === undefined ? 0 : share(200, room.freeBytes, room.totalBytes)
}
const idle: Points = ({ load, cpus }) => share(250, cpus - load, cpus)
const hasTemplate: Points = ({ templates }, { template }) =>
  template !== undefined && templates.has(template) ? 150 : 0
const isNear: Points = ({ name }, { near }) => (near?.[name] === undefined ? 0 : 1000)
const isNotAway: Points = ({ name }, { away }) => (away?.[name] === undefined ? 0 : -2000)
const ofItsSite: Points = ({ name }, { instances }) => -10_000 * (instances?.[name] ?? 0)

const tenthsOf: Points = (host, ask) =>
  memoryLeft(host, ask) +
  diskFree(host, ask) +
  idle(host, ask) +
  hasTemplate(host, ask) +
  isNear(host, ask) +
  isNotAway(host, ask) +
  ofItsSite(host, ask)

/** What a host offers is told in any case, the rest when it counted. */
function reasonsOf(host: PlacementHost, ask: PlacementAsk): Reason[] {
  const { name, memory, load, cpus } = host
  const { freeBytes, totalBytes } = host.pools[ask.pool] as Room
  const left = roughSize(Math.max(0, baseOf(memory) - memory.promisedBytes - ask.memoryBytes))
  const counted: (readonly [Points, why: string])[] = [
    [hasTemplate, 'the template is there'],
    [isNear, `near ${few(ask.near?.[name])}`],
    [isNotAway, `not away from ${few(ask.away?.[name])}`],
    [ofItsSite, `${ask.instances?.[name]} of its site there`],
  ]
  const told: (readonly [Points, why: string])[] = [
    [memoryLeft, `${left} of ${roughSize(baseOf(memory))} memory left then`],
    [diskFree, `${roughSize(freeBytes)} of ${roughSize(totalBytes)} disk free`],
    [idle, `load ${load.toFixed(1)} of ${cpus} processors`],
    ...counted.filter(([points]) => points(host, ask) !== 0),
  ]
  return told.map(([points, why]) => ({ points: points(host, ask) / 10, why }))
}

const baseOf = ({ mostBytes, totalBytes }: Room): number => mostBytes ?? totalBytes
const few = (names: readonly string[] = []): string => names.slice(0, 3).join(', ')

const share = (most: number, part: number, whole: number): number =>
  whole > 0 ? Math.round(most * Math.min(1, Math.max(0, part / whole))) : 0
