/** Routes as records, and as the API shows them. */
import type { EdgeRoute, RouteAim, RouteSpec } from '../../api/edge.ts'
import { CroftError } from '../../api/errors.ts'
import type { GuestStatus } from '../../api/guest.ts'
import { ipv4Of } from '../../plan/addresses.ts'
import { candidates, certificateChooser } from '../../plan/certificate-sets.ts'
import { certificateReasons } from '../../plan/certificate-views.ts'
import { parseRoute, previewOf } from '../../plan/domains.ts'
import { type EdgeGuest, findGuest, idOf } from '../../plan/edge.ts'
import { type Effective, inheritedKeys, inheriting, isBelow } from '../../plan/inherit.ts'
import type { EdgeSite } from '../../plan/members.ts'
import { routeState } from '../../plan/route-state.ts'
import type { Store } from '../../store/store.ts'
import { type Certificate, type CertificateRecord, held } from '../certificates/records.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import type { HostParts } from '../host/parts.ts'
import type { MembersRecord } from './app-records.ts'
import { keys } from './keys.ts'
import { type FarmRecord, type GuestRecord, type Held, type RouteRecord, read, readAll } from './records.ts'

export async function getRouteRecord(daemon: Daemon, name: string): Promise<Held<RouteRecord>> {
  const found = await read<RouteRecord>(daemon.store, keys.route(name))
  if (found) return found
  throw new CroftError('NOT_FOUND', `no route "${name}"`, { hint: 'croft route ls' })
}

/** What holds for it, its domain's part with it. */
export async function effectiveOf(store: Store, route: RouteRecord): Promise<Effective> {
  const routes = isBelow(route.name) ? await readAll<RouteRecord>(store, keys.routes) : []
  return inheriting(routes.map(({ value }) => value))(route)
}

/** The names of those for which something of this route holds. */
export async function listHeirs(store: Store, name: string): Promise<string[]> {
  const routes = (await readAll<RouteRecord>(store, keys.routes)).map(({ value }) => value)
  const effective = inheriting(routes)
  return routes.flatMap((route) => (Object.values(effective(route).from).includes(name) ? [route.name] : []))
}

/** Those of other hosts too: the edge of each host serves them all. */
export async function readEdgeGuests({ store, farm, host, elsewhere }: GuestsParts): Promise<EdgeGuest[]> {
  const [records, statuses] = await Promise.all([
    readAll<GuestRecord>(store, keys.guests(host.name)),
    readAll<GuestStatus>(store, keys.guestStatuses(host.name)),
  ])
  const byNumber = new Map(statuses.map(({ key, value }) => [Number(key.slice(-5)), value]))
  const here = records.map(({ value }) => ({
    guest: {
      ...value,
      ...{ run: value.spec.run, deleting: value.deleting === true, certificate: value.spec.certificate },
    },
    status: byNumber.get(value.number),
  }))
  const there = elsewhere.guests().map((guest) => ({ guest, status: elsewhere.statusOf(guest) }))
  return [...here, ...there].map(({ guest, status }) => {
    const { number, id, name, generation, run, deleting, certificate } = guest
    return {
      ...{ number, id, name, address: ipv4Of(farm.prefix4, number), certificate },
      ...('slot' in guest ? { slot: guest.slot } : {}),
      // One that is held starts when somebody says so.
      run: status?.held === generation ? 'stopped' : run,
      state: deleting ? 'removing' : status?.state,
      startedAt: status?.startedAt,
    }
  })
}

type GuestsParts = Pick<HostParts, 'store' | 'farm' | 'host' | 'elsewhere'>

export async function readEdgeSites(store: Store): Promise<EdgeSite[]> {
  const records = await readAll<MembersRecord>(store, keys.members)
  return records.map(({ key, value: { id, members } }) => ({ id, name: key.slice(keys.members.length), members }))
}

/** The names of those that lead to this guest. */
export async function listRoutesTo(daemon: Daemon, guest: Pick<GuestRecord, 'number' | 'id'>): Promise<string[]> {
  const records = await readAll<RouteRecord>(daemon.store, keys.routes)
  const leads = ({ spec: { target } }: RouteRecord) =>
    target.kind === 'guest' && target.number === guest.number && target.id === guest.id
  return records.map(({ value }) => value).flatMap((route) => (leads(route) ? [route.name] : []))
}

/** Looks whether somebody listens, unless that was done a moment ago. */
export async function viewRoute(daemon: Daemon, name: string, { knock = true, count = true } = {}): Promise<EdgeRoute> {
  const record = await getRouteRecord(daemon, name)
  if (knock) await getFarm(daemon).loop.edge.listeners.ask(record.value)
  const above = isBelow(name) ? (await readAll<RouteRecord>(daemon.store, keys.routes)).map(({ value }) => value) : []
  return (await viewer(daemon, above, { count }))(record)
}

export async function listRouteViews(daemon: Daemon): Promise<EdgeRoute[]> {
  const records = await readAll<RouteRecord>(daemon.store, keys.routes)
  return records.map(
    await viewer(
      daemon,
      records.map(({ value }) => value),
    ),
  )
}

async function viewer(
  daemon: Daemon,
  routes: readonly RouteRecord[],
  { count = true } = {},
): Promise<(record: Held<RouteRecord>) => EdgeRoute> {
  const { parts, loop } = getFarm(daemon)
  const [guests, sites, farm, certificates, views, counters] = await Promise.all([
    readEdgeGuests(parts),
    readEdgeSites(daemon.store),
    read<FarmRecord>(daemon.store, keys.farm),
    readAll<CertificateRecord>(daemon.store, keys.edgeCertificates),
    parts.certificates.views().catch(() => []),
    count ? loop.edge.counters() : undefined,
  ])
  const there = certificates.map(({ key, revision, value }) => held(key, revision, value))
  const choose = certificateChooser(candidates(there, { lent: false }), daemon.env.now())
  const reasons = certificateReasons(views)
  const effective = inheriting(routes)
  return ({ revision, value }) => {
    const { name, id, created, by, spec } = value
    const { target, users = [], ...settings } = spec
    const at = parseRoute(name)
    const preview = at.kind === 'http' ? previewOf(at.host, farm?.value.edge?.previewDomain) : undefined
    const { spec: whole, from } = effective(value)
    const told = routeState(whole, { guests, sites }, loop.edge.listeners.hearing(id))
    const reason = loop.edge.whyNot(value)
    const state = reason === undefined || told.state === 'no-target' ? told : ({ state: 'waits', reason } as const)
    return {
      ...{ name, id, revision, kind: at.kind === 'tcp' ? 'tcp' : target.kind, target: targetText(target, guests) },
      ...state,
      ...settings,
      ...(preview === undefined ? {} : { preview }),
      users,
      ...inheritedView({ spec: whole, from }),
      certificate: at.kind === 'tcp' ? null : certificateOf(spec, choose(at.host), reasons.get(at.host)),
      requests: counters?.get(idOf(id))?.requests ?? (counters ? 0 : null),
      ...{ created, by },
    }
  }
}

function inheritedView({ spec, from }: Effective): Pick<EdgeRoute, 'inherited'> {
  const taken = inheritedKeys.flatMap((key) => {
    const [name, value] = [from[key], spec[key]]
    return name === undefined || value === undefined ? [] : [[key, { from: name, value }] as const]
  })
  return taken.length === 0 ? {} : { inherited: Object.fromEntries(taken) }
}

function certificateOf(
  spec: RouteSpec,
  certificate: Certificate | undefined,
  reason: string | undefined,
): EdgeRoute['certificate'] {
  if (spec.https === 'off' || spec.passthrough || !certificate) return null
  const { kind, expires } = certificate.record
  return { kind, expires, ...(reason === undefined ? {} : { reason }) }
}

/** By the guest's name of now. */
function targetText(target: RouteAim, guests: readonly EdgeGuest[]): string {
  if (target.kind === 'site') return target.port === undefined ? target.site : `${target.site}:${target.port}`
  if (target.kind !== 'guest') return target.url
  return `${findGuest(target, guests)?.name ?? `#${target.number}`}:${target.port}`
}
