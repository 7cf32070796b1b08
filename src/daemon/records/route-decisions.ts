/** What changes of routes write: decided on what is read, and decided again when that changed meanwhile. */
import { isDeepStrictEqual } from 'node:util'
import type { RouteAim, RouteChanges, RouteSpec } from '../../api/edge.ts'
import { CroftError } from '../../api/errors.ts'
import type { WriteQuery } from '../../api/schemas.ts'
import { claimsOf } from '../../plan/domains.ts'
import { applyRouteChange, assertNoPreview } from '../../plan/route-change.ts'
import type { Compare, Write } from '../../store/store.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import type { Aimed } from '../edge/aim.ts'
import { assertServable } from '../edge/servable.ts'
import { timestamp } from '../env.ts'
import type { SiteRecord } from './app-records.ts'
import { assertRevision, type Change } from './change.ts'
import { moveDomains } from './domains.ts'
import { leavePorts, takePorts } from './edge-ports.ts'
import { getGuestToChange } from './guests.ts'
import { keys } from './keys.ts'
import { type FarmRecord, type Held, type RouteRecord, type RouteUsersRecord, read, schemaVersion } from './records.ts'
import { getRouteRecord } from './routes.ts'

export type Hashes = Readonly<Record<string, string | null>>

export interface RouteWriting {
  readonly change: RouteChanges
  readonly aimed?: Aimed
  readonly hashes: Hashes
  readonly query: { ifRevision?: number | undefined }
  readonly verb: string
  /** The site that asks, when its configuration has made the route. */
  readonly site?: string
  /** Instead of what the change names. */
  readonly to?: (spec: RouteSpec) => RouteSpec
}

export async function decideChange(
  daemon: Daemon,
  name: string,
  { change, aimed, hashes, query, verb, site, to }: RouteWriting,
): Promise<Change> {
  const record = await getRouteRecord(daemon, name)
  assertRevision(query, record.revision, name)
  if (site === undefined) assertOwn(record.value, Object.keys(change))
  const before = record.value.spec
  const { farm, target, compare } = await readBasis(daemon, change, aimed)
  const spec = applyRouteChange(name, to ? to(before) : before, { change, target })
  assertNoPreview(name, spec, farm.value.edge?.previewDomain)
  assertServable(name, spec)
  const domains = await moveDomains(daemon, name, { before: claimsOf(name, before), after: claimsOf(name, spec) })
  const same = JSON.stringify(spec) === JSON.stringify(before) && Object.keys(hashes).length === 0
  const { id } = record.value
  const secrets = await read<RouteUsersRecord>(daemon.store, keys.routeUsers(id))
  return {
    ...{ kind: 'route', name, verb, before, after: spec },
    compare: [
      { key: record.key, revision: record.revision },
      { key: keys.routeUsers(id), revision: secrets?.revision ?? 0 },
      ...compare,
      ...domains.compare,
    ],
    writes: same
      ? []
      : [
          { put: record.key, value: { ...record.value, spec } satisfies RouteRecord },
          ...usersWrites(id, secrets, spec, hashes),
          ...domains.writes,
        ],
  }
}

/** What a site's configuration says of a route is said there; everything else as of any route. */
const ofConfiguration: readonly string[] = ['to', 'redirect', 'upstream', 'names', 'aliases']

function assertOwn({ name, site }: RouteRecord, changed: readonly string[]): void {
  if (site === undefined || !changed.some((key) => ofConfiguration.includes(key))) return
  throw new CroftError('REFUSED', `route "${name}" is one of the domains of site "${site}"`, {
    hint: `croft config set ${site} route.domains=… --deploy`,
  })
}

/** What a route is decided on: the farm's settings, and the guest that it is to lead to. */
async function readBasis(daemon: Daemon, { to }: RouteChanges, aimed: Aimed | undefined) {
  const farm = await getFarmRecord(daemon)
  const compare = [{ key: farm.key, revision: farm.revision }]
  if (to === undefined) return { farm, target: aimed?.aim, compare }
  if ('site' in to) return { farm, ...(await siteAim(daemon, to, compare)) }
  const guest = await getGuestToChange(daemon, to.guest, 'route')
  const { number, id } = guest.value
  const target: RouteAim = { kind: 'guest', number, id, port: to.port }
  return { farm, target, compare: [...compare, { key: guest.key, revision: guest.revision }] }
}

async function siteAim({ store }: Daemon, { site, port }: { site: string; port?: number }, compare: Compare[]) {
  const found = await read<SiteRecord>(store, keys.site(site))
  if (!found) throw new CroftError('NOT_FOUND', `no site "${site}"`, { hint: 'croft site ls' })
  const target: RouteAim = { kind: 'site', site, id: found.value.id, ...(port === undefined ? {} : { port }) }
  return { target, compare: [...compare, { key: found.key, revision: found.revision }] }
}

async function getFarmRecord(daemon: Daemon): Promise<Held<FarmRecord>> {
  const found = await read<FarmRecord>(daemon.store, keys.farm)
  if (found) return found
  throw new CroftError('NOT_INITIALISED', 'this host has no farm yet', { hint: 'croft init' })
}

/** A plan needs no hash. */
export async function hashesOf(daemon: Daemon, { users = {} }: RouteChanges, { dryRun }: WriteQuery): Promise<Hashes> {
  const { hashPassword } = getFarm(daemon).parts
  const made: Record<string, string | null> = {}
  for (const [name, password] of Object.entries(users))
    made[name] = password === null ? null : dryRun ? '' : await hashPassword(password)
  return made
}

/** Of each user that the spec names, what proves it. */
function usersWrites(
  id: string,
  before: Held<RouteUsersRecord> | undefined,
  { users = [] }: RouteSpec,
  hashes: Hashes,
): Write[] {
  const known: Hashes = { ...before?.value.users, ...hashes }
  const after = Object.fromEntries(users.flatMap((name) => (known[name] ? [[name, known[name]]] : [])))
  const key = keys.routeUsers(id)
  if (Object.keys(after).length > 0)
    return [{ put: key, value: { schema: schemaVersion, users: after } satisfies RouteUsersRecord }]
  return before ? [{ delete: key }] : []
}

interface Adding {
  readonly name: string
  readonly id: string
  readonly change: RouteChanges
  readonly aimed?: Aimed
  readonly hashes: Hashes
  readonly by: string
  readonly verb: string
  readonly site?: string
  /** Instead of what the change names. */
  readonly spec?: RouteSpec
}

export async function decideAdd(daemon: Daemon, adding: Adding): Promise<Change> {
  const { name, id, change, aimed, hashes, by, verb, site } = adding
  const key = keys.route(name)
  if (await read(daemon.store, key))
    throw new CroftError('EXISTS', `there is a route "${name}"`, { hint: `croft route set ${name}` })
  const { farm, target, compare } = await readBasis(daemon, change, aimed)
  const spec = applyRouteChange(name, adding.spec, { change, target })
  assertNoPreview(name, spec, farm.value.edge?.previewDomain)
  assertServable(name, spec)
  const domains = await moveDomains(daemon, name, { before: [], after: claimsOf(name, spec) })
  const ports = await takePorts(daemon, name, farm.value)
  const record: RouteRecord = {
    ...{ schema: schemaVersion, name, id, created: timestamp(daemon.env), by, spec },
    ...(site === undefined ? {} : { site }),
  }
  return {
    ...{ kind: 'route', name, verb, before: null, after: spec },
    compare: [{ key, revision: 0 }, ...compare, ...domains.compare, ...ports.compare],
    writes: [
      { put: key, value: record },
      ...usersWrites(id, undefined, spec, hashes),
      ...domains.writes,
      ...ports.writes,
    ],
  }
}

interface Removing {
  readonly query: { readonly ifRevision?: number | undefined }
  readonly verb: string
  readonly site?: string
  /** Only while it is as it was made. */
  readonly was?: RouteSpec
}

export async function decideRemove(
  daemon: Daemon,
  name: string,
  { query, verb, site, was }: Removing,
): Promise<Change> {
  const record = await getRouteRecord(daemon, name)
  assertRevision(query, record.revision, name)
  if (site === undefined) assertOwn(record.value, ['to'])
  const { id, spec } = record.value
  if (was && !isDeepStrictEqual(was, spec))
    throw new CroftError('CHANGED_MEANWHILE', `${name} was changed since it was added`, {
      hint: `croft route rm ${name}`,
    })
  const farm = await getFarmRecord(daemon)
  const domains = await moveDomains(daemon, name, { before: claimsOf(name, spec), after: [] })
  const ports = await leavePorts(daemon, name, farm.value)
  const secrets = await read(daemon.store, keys.routeUsers(id))
  return {
    ...{ kind: 'route', name, verb, before: spec, after: null },
    compare: [{ key: record.key, revision: record.revision }, ...domains.compare, ...ports.compare],
    writes: [{ delete: record.key }, ...(secrets ? [{ delete: secrets.key }] : []), ...domains.writes, ...ports.writes],
  }
}
