/** What needs somebody, with the next command: pure. From what is known of guests, pools and the host. */

import type { Replica } from '../api/replica.ts'
import type { Attention, Finding, HostPressure } from '../api/resources.ts'
import type { Instance, SiteExit } from '../api/site.ts'
import { roughSize, roughTime, sizeText } from './amount.ts'
import { parseRoute } from './domains.ts'
import { type Exchange, waitsFor } from './exchange.ts'
import { isForTrials } from './public-names.ts'
import { exitLine, unitOf } from './site-exits.ts'
import { type Mixed, tooOldText } from './versions.ts'

export interface GuestSeen {
  readonly name: string
  readonly state: string
  readonly reason?: string | undefined
  readonly memoryLimit: number | null
  readonly diskBytes: number | null
  readonly diskLimit: number | null
  readonly oomKills: number | null
}

export interface PoolSeen {
  readonly name: string
  readonly mounted: boolean
  readonly totalBytes: number | null
  readonly freeBytes: number | null
  readonly warning?: string | undefined
  readonly reason?: string | undefined
  /** How many lie on it, and what at least goes with them. */
  readonly snapshots?: { readonly count: number; readonly bytes: number }
}

/** So full that somebody should know. */
export const fills = ({ totalBytes, freeBytes }: Pick<PoolSeen, 'totalBytes' | 'freeBytes'>): boolean =>
  totalBytes !== null && freeBytes !== null && totalBytes - freeBytes >= share.poolFills * totalBytes

const share = { diskFills: 0.9, diskFull: 0.99, poolFills: 0.85 } as const
/** Percent of the last minute in which something waited for memory: the host is about to kill. */
const memoryPressure = 20

export function guestAttention(guest: GuestSeen): Attention[] {
  return [...standstill(guest), ...disk(guest), ...killed(guest)]
}

function standstill({ name, state, reason }: GuestSeen): Attention[] {
  if (state !== 'waits' && state !== 'failed') return []
  const next = state === 'failed' ? `croft logs ${name} --console; croft start ${name}` : `croft show ${name}`
  return [{ what: name, why: reason ?? state, do: next }]
}

function disk({ name, diskBytes, diskLimit }: GuestSeen): Attention[] {
  if (diskBytes === null || diskLimit === null || diskLimit === 0 || diskBytes < share.diskFills * diskLimit) return []
  const full = diskBytes >= share.diskFull * diskLimit ? 'full' : `${percent(diskBytes, diskLimit)}% full`
  return [
    {
      what: name,
      why: `its disk is ${full}: ${roughSize(diskBytes)} of ${roughSize(diskLimit)}`,
      do: `croft set ${name} disk=${larger(diskLimit)}`,
    },
  ]
}

function killed({ name, oomKills, memoryLimit }: GuestSeen): Attention[] {
  if (oomKills === null || oomKills === 0) return []
  const processes = oomKills === 1 ? '1 process was' : `${oomKills} processes were`
  const has = memoryLimit === null ? '' : `, it may use ${roughSize(memoryLimit)}`
  return [
    {
      what: name,
      why: `${processes} killed for want of memory since its start${has}`,
      do: memoryLimit === null ? `croft logs ${name}` : `croft set ${name} memory=${larger(memoryLimit)}`,
    },
  ]
}

export function poolAttention(pool: PoolSeen): Attention[] {
  const { name, mounted, totalBytes, freeBytes, warning, reason } = pool
  const what = `pool ${name}`
  if (!mounted) return [{ what, why: `it is away: ${reason ?? 'not mounted'}`, do: 'croft doctor' }]
  if (totalBytes === null || freeBytes === null) return []
  const used = totalBytes - freeBytes
  if (fills(pool))
    return [
      {
        what,
        why: `it is ${percent(used, totalBytes)}% full: ${roughSize(freeBytes)} of ${roughSize(totalBytes)} left${heldBySnapshots(pool)}`,
        do: pool.snapshots?.count ? 'croft snapshot ls' : 'croft top --sort -disk',
      },
    ]
  return warning === undefined ? [] : [{ what, why: warning, do: 'croft pool ls' }]
}

/** Of what is red at a route the first says it. A name for trials never is in DNS: only `croft check` says so. */
export function checkAttention(seen: { readonly route: string; readonly findings: readonly Finding[] }): Attention[] {
  const { route } = seen
  const parsed = parseRoute(route)
  const isTrial = parsed.kind === 'http' && isForTrials(parsed.host)
  const findings = seen.findings.filter(({ check }) => check !== 'dns' || !isTrial)
  // What visitors are answered goes before what DNS says.
  const first = findings.find(({ check }) => check === 'http') ?? findings[0]
  if (!first) return []
  const others = findings.filter((each) => each !== first)
  const more = others.length === 0 ? '' : ` (and ${others.map(({ check }) => check).join(', ')})`
  return [{ what: route, why: `${first.check}: ${first.evidence}${more}`, do: first.mend ?? `croft check ${route}` }]
}

export interface SiteSeen {
  readonly name: string
  readonly state: string
  readonly reason?: string | undefined
  readonly exits?: readonly SiteExit[]
  readonly instances?: readonly Pick<Instance, 'state' | 'host'>[]
}

/** What ended so long ago, and did not since, is history. */
const newsMs = 3_600_000
const mostExits = 3

function exitAttention(exits: readonly SiteExit[], now: number): Attention[] {
  const news = exits.filter(({ at }) => now - Date.parse(at) < newsMs).slice(0, mostExits)
  return news.map((exit) => ({
    ...{ what: exit.instance, why: exitLine(exit) },
    do: `croft logs ${exit.instance} --unit ${unitOf(exit)}`,
  }))
}

/** One that serves says it too, when the last deploy failed. */
export function siteAttention(site: SiteSeen, now = 0, dead: ReadonlySet<string> = new Set()): Attention[] {
  const { name, state, reason, exits = [] } = site
  const fails = state === 'down' || state === 'degraded' || reason !== undefined
  const self = fails ? [{ what: name, why: reason ?? state, do: wayOut(site, dead) }] : []
  return [...self, ...exitAttention(exits, now)]
}

/** Nothing begins elsewhere by itself. What was on a host that will not come back is begun elsewhere when that is asked for. */
function wayOut({ name, instances = [] }: SiteSeen, dead: ReadonlySet<string>): string {
  const away = instances.flatMap(({ state, host }) => (state === 'away' ? [host] : []))
  const host = away.find((each) => !dead.has(each))
  if (host !== undefined) return backOrDead(host)
  return away.length > 0 ? `croft restart ${name}` : `croft site show ${name}`
}

const backOrDead = (host: string): string => `bring ${host} back, or: croft host declare-dead ${host}`

export interface RouteSeen {
  readonly name: string
  readonly state: string
  readonly reason?: string | undefined
  readonly mend?: string | undefined
}

/** Not of those whose checks say it already; an edge in trouble is told once. */
export function routeAttention(
  routes: readonly RouteSeen[],
  edge: readonly { readonly why: string }[],
  told: ReadonlySet<string>,
): Attention[] {
  const lost = routes.filter(({ name, state }) => (state === 'no-target' || state === 'no-answer') && !told.has(name))
  return [
    ...(routes.length === 0 ? [] : edge.map(({ why }) => ({ what: 'edge', why, do: 'croft doctor' }))),
    ...lost.map(({ name, reason = 'it has no target', mend = `croft route show ${name}` }) => ({
      what: name,
      why: reason,
      do: mend,
    })),
  ]
}

function heldBySnapshots({ snapshots }: PoolSeen): string {
  if (!snapshots?.count) return ''
  const { count, bytes } = snapshots
  const hold = count === 1 ? '1 snapshot holds' : `${count} snapshots hold`
  const what = 'what guests have overwritten or deleted since'
  return `; ${hold} ${bytes > 0 ? `at least ${roughSize(bytes)} of ${what}` : what}`
}

/** One that is late, or that never became whole. */
export function replicaAttention({ guest, host, state, lagMs, everyMs, reason }: Replica): Attention[] {
  if (state !== 'late' && !(state === 'copying' && reason !== undefined)) return []
  const age = lagMs === null ? 'is not whole yet' : `is ${roughTime(lagMs)} old, made every ${roughTime(everyMs ?? 0)}`
  const why = `its replica on ${host} ${age}${reason === undefined ? '' : `: ${reason}`}`
  return [{ what: guest, why, do: `croft replica ls ${guest}` }]
}

export const awayAttention = (host: string): Attention => ({
  ...{ what: `host ${host}`, why: 'nothing is heard of it; its guests run on by themselves' },
  do: backOrDead(host),
})

/** Until all hosts have done their part; then it is for the doctor to say that two are trusted. */
export function exchangeAttention(exchange: Exchange, living: readonly string[]): Attention[] {
  const waiting = waitsFor(exchange, living)
  if (waiting.length === 0) return []
  const what = exchange.phase === 'alone' ? 'the former CA goes' : 'the new CA comes'
  return [{ what: 'CA', why: `${what}: waits for ${waiting.join(', ')}`, do: `croft host show ${waiting[0]}` }]
}

export const drainedAttention = (host: string, guests: number): Attention => ({
  what: `host ${host}`,
  why: `it is drained: no new guests come to it${guests === 0 ? '' : `, ${guests} ${guests === 1 ? 'is' : 'are'} there`}`,
  do: `${guests === 0 ? '' : `croft host drain ${host} --move · `}croft host undrain ${host}`,
})

export const mixedAttention = ({ newest, older }: Mixed): Attention => ({
  ...{ what: 'versions', why: `${tooOldText(older)} beside croft ${newest}: what only that can is refused there` },
  do: `upgrade croft on ${older[0]?.host}`,
})

export function hostAttention(name: string, pressure: HostPressure | null): Attention[] {
  if (!pressure || pressure.memory.some60 < memoryPressure) return []
  const why = `it waited for memory in ${Math.round(pressure.memory.some60)}% of the last minute`
  return [{ what: `host ${name}`, why, do: 'croft top --sort -memory' }]
}

/** Never 100: what is full is called so. */
const percent = (used: number, total: number): number => Math.min(99, Math.floor((used * 100) / total))

/** Half as much again, in whole units of what it was given in, as people type it. */
function larger(bytes: number): string {
  const unit = [1024 ** 4, 1024 ** 3, 1024 ** 2].find((each) => bytes >= each) ?? 1024
  return sizeText(Math.ceil((bytes * 1.5) / unit) * unit)
}
