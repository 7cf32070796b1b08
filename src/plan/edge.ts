/** From routes, guests and certificates to what the edge shall be, and what is to be said of each route: pure. */
import type { EdgeSettings, RouteSpec } from '../api/edge.ts'
import type { GuestSpec, GuestState } from '../api/guest.ts'
import type {
  AcmeToken,
  EdgeCertificate,
  EdgeServer,
  EdgeWish,
  Site,
  SiteTarget,
  StreamSite,
} from '../drivers/edge/driver.ts'
import { claimsOf, parseRoute, previewOf } from './domains.ts'
import { type Effective, inheriting } from './inherit.ts'
import { checkPathOf, type EdgeSite, serversOfSite } from './members.ts'

export interface EdgeInput {
  readonly settings: EdgeSettings
  readonly routes: readonly PlannedRoute[]
  readonly guests: readonly EdgeGuest[]
  /** Sites, and who answers for them. */
  readonly sites: readonly EdgeSite[]
  readonly certificates: readonly EdgeCertificate[]
  readonly tokens: readonly AcmeToken[]
  readonly near: readonly string[]
  /** Sites that requests do not wait for: see route-state.ts. */
  readonly silent?: ReadonlySet<string>
}

export interface PlannedRoute {
  readonly id: string
  readonly name: string
  readonly spec: RouteSpec
  readonly users: readonly { readonly name: string; readonly hash: string }[]
  readonly created?: string
}

export interface EdgeGuest {
  readonly number: number
  readonly id: string
  readonly name: string
  readonly address: string
  readonly run: GuestSpec['run']
  /** Undefined: it never ran. */
  readonly state: GuestState | undefined
  /** It is about to be asked to stop: nothing new goes there. */
  readonly leaves?: boolean
  readonly startedAt?: string | undefined
  /** The domain whose certificate it is given. */
  readonly certificate?: string | undefined
  /** Of a guest of this host. */
  readonly slot?: number
}

export const defaultListen = { http: [':80'], https: [':443'] } as const
export const byItself = { timeoutSeconds: 60, queueSeconds: 10, retryAfterSeconds: 300 } as const

/** In the order of names, whatever the order of the records. */
export function planEdge(input: EdgeInput): EdgeWish {
  const routes = sorted(input.routes, ({ name }) => name)
  const streams = routes.flatMap((route) => streamOf(route, input))
  // A name that somebody has goes before a preview.
  const claims = routes.flatMap(({ name, spec }) => claimsOf(name, spec))
  const taken = { hosts: new Set(claims.map(({ host }) => host)), paths: new Set(claims.map(at)) }
  const effectiveOf = inheriting(routes)
  const sites = routes.flatMap((route) => siteOf(route, { ...input, effective: effectiveOf(route) }, taken))
  const certificates = inOrder(input)
  const tls = certificates.length > 0 || streams.some(({ match }) => match.kind === 'passthrough')
  const web = sites.length > 0 || tls
  const { http, https } = listensOf(input.settings)
  return {
    http: web ? http : [],
    // Without a certificate there is nothing that could be said there.
    https: web && tls ? https : [],
    ...{ sites, streams, certificates },
    tokens: sorted(input.tokens, ({ token }) => token),
    operators: input.settings.operators ?? [],
    near: input.near,
  }
}

/**
 * The first answers who names no site that is here: it is that of the route that was there first, so that no other one,
 * whatever its name, becomes what strangers are shown.
 */
function inOrder({ certificates, routes }: EdgeInput): EdgeCertificate[] {
  const byName = sorted(certificates, ({ name }) => name)
  const byAge = sorted(routes, ({ created = '', name }) => `${created} ${name}`)
  const hosts = byAge.flatMap(({ name, spec }) => claimsOf(name, spec).map(({ host }) => host))
  const oldest = hosts.find((host) => byName.some(({ names }) => names.includes(host)))
  const first = byName.find(({ names }) => oldest !== undefined && names.includes(oldest))
  return first ? [first, ...byName.filter((each) => each !== first)] : byName
}

export const listensOf = ({ http, https }: EdgeSettings): { http: readonly string[]; https: readonly string[] } => ({
  http: http ?? defaultListen.http,
  https: https ?? defaultListen.https,
})

export function findGuest(
  { number, id }: { readonly number: number; readonly id: string },
  guests: readonly EdgeGuest[],
): EdgeGuest | undefined {
  return guests.find((guest) => guest.number === number && guest.id === id)
}

/** Why no request is to wait for it. One that starts, or starts again, is worth waiting for. */
export function whyNot(guest: EdgeGuest | undefined): string | undefined {
  if (!guest) return 'its guest is gone'
  if (guest.run === 'stopped') return `guest "${guest.name}" is stopped`
  if (guest.state === 'failed') return `guest "${guest.name}" failed to start`
  if (guest.state === 'removing') return `guest "${guest.name}" is being removed`
  return undefined
}

function serversOf({ target }: RouteSpec, { guests, sites }: Pick<EdgeInput, 'guests' | 'sites'>): EdgeServer[] {
  if (target.kind === 'site') return serversOfSite(target, sites, guests)
  if (target.kind !== 'guest') return []
  const guest = findGuest(target, guests)
  if (!guest || whyNot(guest) !== undefined) return []
  const state = guest.leaves ? 'drain' : 'ready'
  return [{ id: idOf(guest.id), address: guest.address, port: target.port, state }]
}

/** 1 to 40 of a-z and 0-9, for names of backends and servers. */
export const idOf = (id: string): string =>
  id
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '')
    .slice(0, 40)

interface Taken {
  readonly hosts: ReadonlySet<string>
  readonly paths: ReadonlySet<string>
}
const at = ({ host, path }: { readonly host: string; readonly path: string }): string => host + path

function siteOf(route: PlannedRoute, input: EdgeInput & { readonly effective: Effective }, taken: Taken): Site[] {
  const { settings, routes, effective } = input
  const { name, spec } = route
  const { spec: whole, from } = effective
  const own = parseRoute(name)
  if (own.kind === 'tcp' || spec.passthrough) return []
  // What is said of a path of a domain holds under the domain's other names too.
  const root = own.path === '/' ? undefined : routes.find((each) => each.name === own.host)
  const rootNames = (root?.spec.names ?? []).filter((host) => !taken.paths.has(at({ host, path: own.path })))
  const preview = previewOf(own.host, settings.previewDomain)
  const previews = preview === undefined || taken.hosts.has(preview) ? [] : [preview]
  const hosts = [...new Set([own.host, ...(spec.names ?? []), ...rootNames, ...previews])]
  return [
    {
      id: idOf(route.id),
      ...{ hosts, path: own.path },
      aliases: spec.aliases ?? [],
      target: targetOf(spec, own.host, { ...input, isSilent: input.silent?.has(idOf(route.id)) === true }),
      https: spec.https ?? 'only',
      limits: limitsOf(spec),
      compress: spec.compress ?? false,
      noindex: spec.noindex ? hosts : previews,
      allow: whole.allow ?? [],
      deny: whole.deny ?? [],
      users: sorted(usersOf(route, from.users, routes), (user) => user.name),
      ...(whole.maintenance ? { maintenance: maintenanceOf(whole) } : {}),
    },
  ]
}

/** As another route has them, when it is that one that says so. */
const usersOf = (route: PlannedRoute, from: string | undefined, routes: readonly PlannedRoute[]) =>
  (from === undefined ? route : (routes.find(({ name }) => name === from) ?? route)).users

type Answerers = Pick<EdgeInput, 'guests' | 'sites'> & { readonly isSilent: boolean }

function targetOf(spec: RouteSpec, own: string, input: Answerers): SiteTarget {
  const { target } = spec
  if (target.kind === 'redirect') {
    // An address without a path stands for the whole of that place.
    const { pathname, search } = new URL(target.url)
    const keepPath = pathname === '/' && search === ''
    return {
      kind: 'redirect',
      to: keepPath ? target.url.replace(/\/$/, '') : target.url,
      ...{ status: target.status, keepPath },
    }
  }
  if (target.kind === 'upstream') {
    const { protocol, hostname, port } = new URL(target.url)
    const host = hostname.replace(/^\[|\]$/g, '')
    const scheme = protocol === 'https:' ? 'https' : 'http'
    const number = port === '' ? (scheme === 'https' ? 443 : 80) : Number(port)
    const may = target.near ? { near: true } : {}
    const base = { kind: 'upstream', scheme, port: number, verify: scheme === 'https', ...may } as const
    // An address has no name: the other side is asked for the route's own.
    const isAddress = host.includes(':') || /^[\d.]+$/.test(host)
    return isAddress && !own.startsWith('*.') ? { ...base, host: own, address: host } : { ...base, host }
  }
  const check = spec.check ?? (target.kind === 'site' ? checkPathOf(target, input.sites) : undefined)
  return {
    kind: 'servers',
    servers: serversOf(spec, input),
    sticky: spec.sticky ?? false,
    clientAddress: spec.clientAddress ?? 'headers',
    ...(input.isSilent ? { silent: true } : {}),
    ...(check === undefined ? {} : { check: { path: check } }),
  }
}

function limitsOf({ rate, bodyMax, timeout, queue, connections }: RouteSpec): Site['limits'] {
  return {
    timeoutSeconds: timeout ?? byItself.timeoutSeconds,
    queueSeconds: queue ?? byItself.queueSeconds,
    ...(rate === undefined ? {} : { requestsPerSecond: rate }),
    ...(bodyMax === undefined ? {} : { bodyBytes: bodyMax }),
    ...(connections === undefined ? {} : { connectionsPerServer: connections }),
  }
}

const maintenanceOf = ({ retryAfter, maintenanceText }: RouteSpec): NonNullable<Site['maintenance']> => ({
  retryAfterSeconds: retryAfter ?? byItself.retryAfterSeconds,
  ...(maintenanceText === undefined ? {} : { text: maintenanceText }),
})

function streamOf({ id, name, spec }: PlannedRoute, input: EdgeInput): StreamSite[] {
  const at = parseRoute(name)
  if (at.kind === 'http' && !spec.passthrough) return []
  return [
    {
      id: idOf(id),
      match:
        at.kind === 'tcp'
          ? { kind: 'port', listen: at.listen }
          : { kind: 'passthrough', hosts: [at.host, ...(spec.names ?? [])] },
      servers: serversOf(spec, input),
      clientAddress: spec.clientAddress === 'proxy' ? 'proxy' : 'none',
    },
  ]
}

const sorted = <T>(list: readonly T[], by: (item: T) => string): T[] =>
  list.toSorted((a, b) => (by(a) < by(b) ? -1 : by(a) > by(b) ? 1 : 0))
