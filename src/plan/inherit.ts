/**
 * Who may come to a path of a domain: pure. What is said of the domain holds for its paths, as people expect, until the path's own
 * route says otherwise: users, lists of addresses and maintenance, each by itself.
 *
 *     shop.example.org         user=ann  maintenance=yes
 *       └ /api                 user=bob                      asks for bob, in maintenance
 *           └ /api/health      inherit=no                    open to everybody
 */
import type { RouteSpec } from '../api/edge.ts'
import { parseRoute } from './domains.ts'

export const inheritedKeys = ['users', 'allow', 'deny', 'maintenance'] as const
export type InheritedKey = (typeof inheritedKeys)[number]
/** What goes with one. */
const together = { maintenance: ['maintenanceText', 'retryAfter'], users: [], allow: [], deny: [] } as const

interface Named {
  readonly name: string
  readonly spec: RouteSpec
}

export interface Effective {
  readonly spec: RouteSpec
  /** The route that says it, of what is not its own. */
  readonly from: Readonly<Partial<Record<InheritedKey, string>>>
}

/** Whether there is anything above it. */
export function isBelow(name: string): boolean {
  const at = parseRoute(name)
  return at.kind === 'http' && at.path !== '/'
}

/** Among all routes: what holds for one of them. */
export function inheriting(routes: readonly Named[]): (route: Named) => Effective {
  const byPlace = new Map(routes.flatMap((route) => placesOf(route).map((place) => [place, route] as const)))
  const known = new Map<string, Effective>()
  return function effectiveOf(route): Effective {
    const found = known.get(route.name)
    if (found) return found
    const above = route.spec.inherit === false ? undefined : findAbove(route, byPlace)
    const effective = above
      ? joined(route.spec, { name: above.name, ...effectiveOf(above) })
      : { spec: route.spec, from: {} }
    known.set(route.name, effective)
    return effective
  }
}

function joined(own: RouteSpec, above: Effective & { readonly name: string }): Effective {
  const taken = inheritedKeys.filter((key) => own[key] === undefined && above.spec[key] !== undefined)
  const keys = taken.flatMap((key) => [key, ...together[key]])
  const settings = Object.fromEntries(
    keys.flatMap((key) => (above.spec[key] === undefined ? [] : [[key, above.spec[key]]])),
  )
  const from = Object.fromEntries(taken.map((key) => [key, above.from[key] ?? above.name]))
  return { spec: { ...own, ...settings }, from }
}

/** The route that would serve the path if this one were not there. */
function findAbove({ name }: Named, byPlace: ReadonlyMap<string, Named>): Named | undefined {
  const at = parseRoute(name)
  if (at.kind === 'tcp' || at.path === '/') return undefined
  const hosts = [at.host, at.host.replace(/^[^.]+/, '*')]
  for (const host of hosts) {
    const segments = at.path.split('/')
    for (let count = segments.length - 1; count >= 1; count--) {
      const found = byPlace.get(`${host}${segments.slice(0, count).join('/') || '/'}`)
      if (found && found.name !== name) return found
    }
  }
  return undefined
}

function placesOf({ name, spec }: Named): string[] {
  const at = parseRoute(name)
  if (at.kind === 'tcp' || spec.passthrough) return []
  return [at.host, ...(spec.names ?? [])].map((host) => `${host}${at.path}`)
}
