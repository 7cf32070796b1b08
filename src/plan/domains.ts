/**
 * Which names belong to whom: pure. The unit is a host name with a path. An alias, and what is passed through as TLS, takes
 * the host as a whole.
 */
import type { RouteSettings } from '../api/edge.ts'

export interface Claim {
  readonly host: string
  /** `/` or `/api`. */
  readonly path: string
  /** `whole`: of that host nobody else has anything. */
  readonly as: 'path' | 'whole'
}
/** A claim, and the route that has it. */
export interface Held extends Omit<Claim, 'host'> {
  readonly route: string
}

export type ParsedRoute =
  | { readonly kind: 'http'; readonly host: string; readonly path: string }
  | { readonly kind: 'tcp'; readonly listen: string; readonly port: number }

/** Of a name that the schema let through. */
export function parseRoute(name: string): ParsedRoute {
  const port = /^(?:\[[^\]]*\]|[0-9.]*):(\d{1,5})$/.exec(name)?.[1]
  if (port !== undefined) return { kind: 'tcp', listen: name, port: Number(port) }
  const slash = name.indexOf('/')
  return slash < 0
    ? { kind: 'http', host: name, path: '/' }
    : { kind: 'http', host: name.slice(0, slash), path: name.slice(slash) }
}

export function claimsOf(name: string, { names, aliases, passthrough }: RouteSettings): Claim[] {
  const route = parseRoute(name)
  if (route.kind === 'tcp') return []
  const { path } = route
  return [
    ...[route.host, ...(names ?? [])].map((host): Claim => ({ host, path, as: passthrough ? 'whole' : 'path' })),
    ...(aliases ?? []).map((host): Claim => ({ host, path: '/', as: 'whole' })),
  ]
}

/** Whether who has the one could speak for the other: it is the same, lies below it, or is a wildcard above it. */
export function reachesInto(host: string, other: string): boolean {
  const [bare, otherBare] = [host, other].map((name) => name.replace(/^\*\./, ''))
  return host === other || host.endsWith(`.${otherBare}`) || (host.startsWith('*.') && other.endsWith(`.${bare}`))
}

/** The first name that is there twice. */
export function twiceIn(claims: readonly Claim[]): string | undefined {
  const seen = new Set<string>()
  return claims.find(({ host }) => seen.size === seen.add(host).size)?.host
}

/** Who has it already, other than the route itself. */
export function holderOf(claim: Claim, held: readonly Held[], route: string): Held | undefined {
  const others = held.filter((each) => each.route !== route)
  return others.find((each) => claim.as === 'whole' || each.as === 'whole' || each.path === claim.path)
}

/**
 * `shop.example.org` is `shop-example-org.PREVIEW`. A dash is doubled, so that no two names meet; what would then look like
 * the spelling of another script gets `0-` before and `-0` behind. Undefined when it does not fit into a label.
 */
export function previewOf(host: string, previewDomain: string | undefined): string | undefined {
  if (previewDomain === undefined || host.startsWith('*.')) return undefined
  const plain = host.replaceAll('-', '--').replaceAll('.', '-')
  const label = plain.slice(2, 4) === '--' ? `0-${plain}-0` : plain
  return label.length > 63 ? undefined : `${label}.${previewDomain}`
}

/** Directly below the preview domain all names are the farm's. */
export const isPreview = (host: string, previewDomain: string | undefined): boolean =>
  previewDomain !== undefined && host.slice(host.indexOf('.') + 1) === previewDomain

/** Every name that a certificate of this route must bear. */
export function certifiedNames(name: string, settings: RouteSettings, previewDomain: string | undefined): string[] {
  const route = parseRoute(name)
  if (route.kind === 'tcp' || settings.passthrough || settings.https === 'off') return []
  const preview = previewOf(route.host, previewDomain)
  return [
    route.host,
    ...(settings.names ?? []),
    ...(settings.aliases ?? []),
    ...(preview === undefined ? [] : [preview]),
  ]
}
