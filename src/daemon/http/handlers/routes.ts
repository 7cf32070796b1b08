/** What the edge serves. A handler writes the wish; the edge is told before the answer, so that what is answered is so. */
import type { AccessPage, EdgeRoute, RouteAim, RouteChanges, RouteSpec } from '../../../api/edge.ts'
import { CroftError } from '../../../api/errors.ts'
import type { WriteQuery } from '../../../api/schemas.ts'
import { claimsOf } from '../../../plan/domains.ts'
import { idOf } from '../../../plan/edge.ts'
import { applyRouteChange, assertNoPreview } from '../../../plan/route-change.ts'
import type { Compare, Write } from '../../../store/store.ts'
import { type Daemon, getFarm } from '../../daemon.ts'
import { type Aimed, aimByAddress } from '../../edge/aim.ts'
import { assertServable } from '../../edge/servable.ts'
import { timestamp } from '../../env.ts'
import type { SiteRecord } from '../../records/app-records.ts'
import { assertRevision, type Change, commit } from '../../records/change.ts'
import { moveDomains } from '../../records/domains.ts'
import { leavePorts, takePorts } from '../../records/edge-ports.ts'
import { differences } from '../../records/edge-settings.ts'
import { getGuestToChange } from '../../records/guests.ts'
import { keys } from '../../records/keys.ts'
import {
  type FarmRecord,
  type Held,
  type RouteRecord,
  type RouteUsersRecord,
  read,
  schemaVersion,
} from '../../records/records.ts'
import { getRouteRecord, listRouteViews, viewRoute } from '../../records/routes.ts'
import type { Handlers } from '../handler.ts'

export const handlers = {
  listRoutes: (daemon): Promise<EdgeRoute[]> => listRouteViews(daemon),

  getRoute: (daemon, { params }): Promise<EdgeRoute> => viewRoute(daemon, params.route),

  async addRoute(daemon, { body, query, caller }) {
    const { name, ...change } = body
    const id = daemon.env.id()
    const hashes = await hash(daemon, change, query)
    const aimed = await aimByAddress(daemon, change, { name, caller })
    const decide = async (): Promise<Change> => {
      const key = keys.route(name)
      if (await read(daemon.store, key))
        throw new CroftError('EXISTS', `there is a route "${name}"`, { hint: `croft route set ${name}` })
      const { farm, target, compare } = await readBasis(daemon, change, aimed)
      const spec = applyRouteChange(name, undefined, { change, target })
      assertNoPreview(name, spec, farm.value.edge?.previewDomain)
      assertServable(name, spec)
      const domains = await moveDomains(daemon, name, { before: [], after: claimsOf(name, spec) })
      const ports = await takePorts(daemon, name, farm.value)
      const record: RouteRecord = {
        schema: schemaVersion,
        ...{ name, id, created: timestamp(daemon.env), by: caller.name, spec },
      }
      return {
        ...{ kind: 'route', name, verb: 'add', before: null, after: spec },
        compare: [{ key, revision: 0 }, ...compare, ...domains.compare, ...ports.compare],
        writes: [
          { put: key, value: record },
          ...usersWrites(id, undefined, spec, hashes),
          ...domains.writes,
          ...ports.writes,
        ],
      }
    }
    if (query.dryRun) return planned(name, await decide())
    await commit(daemon, caller, query, decide)
    const answer = await served(daemon, name, { isNew: true, said: aimed.warnings })
    await getFarm(daemon).loop.gate.refresh()
    return answer
  },

  async changeRoute(daemon, { params, body, query, caller }) {
    const name = params.route
    await getRouteRecord(daemon, name)
    const hashes = await hash(daemon, body, query)
    const aimed = await aimByAddress(daemon, body, { name, caller })
    const decide = () => decideChange(daemon, name, { change: body, aimed, hashes, query, verb: 'set' })
    if (query.dryRun) return planned(name, await decide())
    await commit(daemon, caller, query, decide)
    return served(daemon, name, { isNew: body.to !== undefined, said: aimed.warnings })
  },

  async readRouteLog(daemon, { params, query }): Promise<AccessPage> {
    const { value } = await getRouteRecord(daemon, params.route)
    const { edge } = getFarm(daemon).parts
    const { tail = 1000, after } = query
    if (!edge) return { lines: [], next: after ?? '' }
    const page = await edge.readLog({ site: idOf(value.id), tail, ...(after === undefined ? {} : { after }) })
    const lines = page.lines.map(({ timeMs, site: _, ...line }) => ({ at: new Date(timeMs).toISOString(), ...line }))
    return { lines, next: page.next }
  },

  async removeRoute(daemon, { params, query, caller }) {
    const name = params.route
    const decide = async (): Promise<Change> => {
      const record = await getRouteRecord(daemon, name)
      assertRevision(query, record.revision, name)
      const { id, spec } = record.value
      const farm = await getFarmRecord(daemon)
      const domains = await moveDomains(daemon, name, { before: claimsOf(name, spec), after: [] })
      const ports = await leavePorts(daemon, name, farm.value)
      const secrets = await read(daemon.store, keys.routeUsers(id))
      return {
        ...{ kind: 'route', name, verb: 'rm', before: spec, after: null },
        compare: [{ key: record.key, revision: record.revision }, ...domains.compare, ...ports.compare],
        writes: [
          { delete: record.key },
          ...(secrets ? [{ delete: secrets.key }] : []),
          ...domains.writes,
          ...ports.writes,
        ],
      }
    }
    if (query.dryRun) return planned(name, await decide())
    await commit(daemon, caller, query, decide)
    const { edge, gate } = getFarm(daemon).loop
    await Promise.all([edge.refresh(), gate.refresh()])
    return { operation: null, result: null }
  },
} satisfies Partial<Handlers>

type Hashes = Readonly<Record<string, string | null>>

export interface RouteWriting {
  readonly change: RouteChanges
  readonly aimed?: Aimed
  readonly hashes: Hashes
  readonly query: { ifRevision?: number | undefined }
  readonly verb: string
  /** Instead of what the change names. */
  readonly to?: (spec: RouteSpec) => RouteSpec
}

export async function decideChange(
  daemon: Daemon,
  name: string,
  { change, aimed, hashes, query, verb, to }: RouteWriting,
): Promise<Change> {
  const record = await getRouteRecord(daemon, name)
  assertRevision(query, record.revision, name)
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

interface Served {
  /** It leads to another place than before. */
  readonly isNew?: boolean
  readonly said?: readonly string[]
}

export async function served(daemon: Daemon, name: string, { isNew = false, said = [] }: Served = {}) {
  const { edge } = getFarm(daemon).loop
  await edge.listeners.ask((await getRouteRecord(daemon, name)).value, isNew)
  await edge.refresh()
  const result = await viewRoute(daemon, name, { knock: false })
  const { state, reason, mend } = result
  const why = edge.whyNot({ name, spec: result })
  const silent = (state === 'no-answer' || state === 'waits') && mend !== undefined ? [`${reason}: ${mend}`] : []
  const warnings = [...said, ...silent, ...(why === undefined ? [] : [`it is not served yet: ${why}`])]
  return { operation: null, result, ...(warnings.length === 0 ? {} : { warnings }) }
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
async function hash(daemon: Daemon, { users = {} }: RouteChanges, { dryRun }: WriteQuery): Promise<Hashes> {
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

export const planned = (name: string, { before, after }: Change) => ({
  ...{ operation: null, result: null },
  steps: differences(name, before ?? {}, after ?? {}),
})
