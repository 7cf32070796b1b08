/** The farm as a whole: its start, its state on one screen, and what is wrong. */

import { CroftError, toCroftError } from '../../../api/errors.ts'
import type { GuestStatus } from '../../../api/guest.ts'
import { openapi } from '../../../api/openapi.ts'
import type { Attention, Farm, Pool, SiteNow, Status } from '../../../api/resources.ts'
import type { Site } from '../../../api/site.ts'
import {
  awayAttention,
  checkAttention,
  drainedAttention,
  exchangeAttention,
  fills,
  guestAttention,
  hostAttention,
  mixedAttention,
  type PoolSeen,
  poolAttention,
  replicaAttention,
  routeAttention,
  siteAttention,
} from '../../../plan/attention.ts'
import { certificateAttention } from '../../../plan/certificate-views.ts'
import { getFarm, type StoreAway, type WholeDaemon } from '../../daemon.ts'
import { findExchange } from '../../exchange/records.ts'
import { listGuestViews } from '../../records/guests.ts'
import { keys } from '../../records/keys.ts'
import { type FarmRecord, type GuestRecord, readAll, type SnapshotRecord } from '../../records/records.ts'
import { listRouteViews } from '../../records/routes.ts'
import { listSiteViews } from '../../records/site-views.ts'
import { listTemplateViews } from '../../records/templates.ts'
import { findMixed } from '../../records/versions.ts'
import { neverSeen } from '../../usage/board.ts'
import { readPressure } from '../../usage/pressure.ts'
import type { Caller } from '../access.ts'
import type { Handlers } from '../handler.ts'
import { listPoolViews } from './hosts.ts'

export const handlers = {
  async getStatus(daemon, { caller }): Promise<Status> {
    const away = daemon.away?.()
    if (away) return statusByKeptPlan(daemon, away)
    const { revision, entry } = await daemon.store.get(keys.farm)
    const { open, hostName, version, store } = daemon
    const base = { host: hostName, version, store: { kind: store.kind, revision, ok: true }, pressure: readPressure() }
    const farm = open() && (entry?.value as FarmRecord | undefined)
    if (!farm)
      return {
        farm: null,
        ...base,
        guests: {},
        attention: [{ what: hostName, why: 'this host has no farm yet', do: 'croft init' }],
      }
    return { farm: shownFarm(farm), ...base, ...(await guestsAndAttention(daemon, caller)) }
  },

  getDoctor: (daemon) => daemon.diagnose(),

  async fixDoctor(daemon, { body, query }) {
    const steps = [{ what: daemon.hostName, step: 'mend', detail: body.fix }]
    if (query.dryRun) return { operation: null, result: null, steps }
    return { operation: null, result: { changed: await daemon.mend(body.fix) } }
  },

  getOpenapi: async (daemon) => openapi(daemon.version),

  async initFarm(daemon, { body, query, caller }) {
    const there = daemon.open()?.parts.farm
    // Said twice, it is done once.
    if (there && body.pool === undefined && (body.name ?? there.name) === there.name) {
      return { operation: null, result: { farm: there, lines: ['the farm is there already'] } }
    }
    if (there)
      throw new CroftError('EXISTS', `this host is in farm "${there.name}"`, {
        hint: 'croft status',
      })
    if (query.dryRun)
      return {
        operation: null,
        result: null,
        steps: [{ what: daemon.hostName, step: 'init', detail: 'make a farm of this host' }],
      }
    const { lines } = await daemon.init(body, caller.name)
    return { operation: null, result: { farm: daemon.open()?.parts.farm, lines } }
  },
} satisfies Partial<Handlers>

export const shownFarm = ({ schema: _, ...farm }: FarmRecord): Farm => farm

async function statusByKeptPlan({ hostName, version }: WholeDaemon, { why, farm, kind }: StoreAway): Promise<Status> {
  const guests: Record<string, number> = {}
  // Until all goes by the kept plan there is nobody to ask.
  const known = farm && readAll<GuestStatus>(farm.store, keys.guestStatuses(farm.host.name)).catch(() => [])
  const statuses = (await known) ?? []
  for (const { value } of statuses) guests[value.state] = (guests[value.state] ?? 0) + 1
  return {
    farm: farm ? shownFarm(farm.farm) : null,
    ...{ host: hostName, version, store: { kind, revision: 0, ok: false }, guests },
    pressure: readPressure(),
    attention: [{ what: 'store', why: why.message, do: 'croft doctor' }],
  }
}

/** So old may be what is known of disks and memory here. */
const usageMaxAgeMs = 1000

async function guestsAndAttention(
  daemon: WholeDaemon,
  caller: Caller,
): Promise<Pick<Status, 'guests' | 'attention' | 'sites'>> {
  const { usage, checks, loop, others, parts } = getFarm(daemon)
  const [views, used, pools, wrong, routes, sites] = await Promise.all([
    listGuestViews(daemon),
    usage.look(usageMaxAgeMs),
    listPoolViews(daemon, caller).catch((): Pool[] => []),
    checks.wrong(),
    listRouteViews(daemon),
    listSiteViews(daemon),
  ])
  const guests: Record<string, number> = {}
  const attention: Attention[] = []
  for (const { name, number, status, away } of views) {
    const state = away ? 'host away' : (status?.state ?? 'creating')
    guests[state] = (guests[state] ?? 0) + 1
    attention.push(...guestAttention({ ...(used.get(number) ?? neverSeen('')), name, state, reason: status?.reason }))
  }
  const dead = new Set((others?.hosts() ?? []).flatMap(({ name, dead: at }) => (at === undefined ? [] : [name])))
  attention.push(...sites.flatMap((site) => siteAttention(site, daemon.env.now(), dead)))
  const away = (others?.hosts() ?? []).filter(({ name, dead }) => dead === undefined && !others?.isAlive(name))
  attention.push(...away.filter(({ name }) => name !== others?.own).map(({ name }) => awayAttention(name)))
  for (const { name, drained, dead } of others?.hosts() ?? [])
    if (drained && dead === undefined && !away.some((each) => each.name === name))
      attention.push(drainedAttention(name, views.filter(({ host }) => host === name).length))
  const mixed = others && (await findMixed(daemon.store))
  if (mixed) attention.push(mixedAttention(mixed))
  attention.push(...(await lateReplicas(daemon)))
  const exchange = others && (await findExchange(daemon.store))
  if (exchange) attention.push(...exchangeAttention(exchange.held.value, exchange.living))
  // Of a host that is away this is said once.
  for (const pool of pools.filter(({ host }) => !away.some(({ name }) => name === host))) {
    const counted = fills(pool) && pool.host === parts.host.name
    attention.push(...poolAttention(counted ? await withSnapshots(daemon, pool) : pool))
  }
  const answered = wrong.filter(({ findings }) => findings.some(({ check }) => check === 'http'))
  const lost = routeAttention(routes, loop.edge.troubles(), new Set(answered.map(({ route }) => route)))
  // A route that leads nowhere says so, whatever its DNS says.
  const known = new Set(lost.map(({ what }) => what))
  attention.push(...lost, ...wrong.filter(({ route }) => !known.has(route)).flatMap(checkAttention))
  for (const { ref, state, reason } of await listTemplateViews(daemon)) {
    if (state === 'failed')
      attention.push({ what: ref, why: reason ?? 'the build failed', do: `croft template build ${ref}` })
  }
  const certificates = await getFarm(daemon).certificates.views().catch(cannotTell)
  attention.push(...('what' in certificates ? [certificates] : certificateAttention(certificates)))
  const shown = sites.map(siteNow)
  return { guests, attention: [...hostAttention(daemon.hostName, readPressure()), ...attention], sites: shown }
}

/** A host alone has none. */
async function lateReplicas(daemon: WholeDaemon): Promise<Attention[]> {
  if (!getFarm(daemon).others) return []
  const { listReplicaViews } = await import('../../replicas/views.ts')
  return (await listReplicaViews(daemon)).flatMap(replicaAttention)
}

const siteNow = ({ name, state, release, count, instances }: Site): SiteNow => ({
  ...{ name, state, release, count },
  ready: instances.filter((each) => each.state === 'ready').length,
})

const mostCounted = 500

/** Looked at when the pool is full alone: a few files of the kernel for each snapshot. */
async function withSnapshots(daemon: WholeDaemon, pool: Pool): Promise<PoolSeen> {
  const { parts } = getFarm(daemon)
  const { name: host } = parts.host
  const guests = await readAll<GuestRecord>(daemon.store, keys.guests(host))
  const here = new Set(guests.filter(({ value }) => value.spec.pool === pool.name).map(({ value }) => value.number))
  const records = await readAll<SnapshotRecord>(daemon.store, keys.snapshots(host))
  const snapshots = records.filter(({ value }) => here.has(value.number))
  const sizes = await Promise.all(
    snapshots.slice(0, mostCounted).map(({ value: { number, id } }) =>
      parts
        .storage(pool.name)
        .usage({ kind: 'snapshot', number, id })
        .then(
          (usage) => usage?.ownBytes ?? 0,
          () => 0,
        ),
    ),
  )
  return { ...pool, snapshots: { count: snapshots.length, bytes: sizes.reduce((sum, size) => sum + size, 0) } }
}

const cannotTell = (thrown: unknown): Attention => ({
  ...{ what: 'certificates', why: toCroftError(thrown).message, do: 'croft doctor' },
})
