/** What a change makes of a route's spec, and what does not go together: pure. */

import type { RouteAim, RouteChanges, RouteSettings, RouteSpec } from '../api/edge.ts'
import { CroftError } from '../api/errors.ts'
import { claimsOf, isPreview, parseRoute, twiceIn } from './domains.ts'
import { isBelow } from './inherit.ts'

/** The keys that are settings: the others of a change say where it leads, and to whom. */
const others: ReadonlySet<string> = new Set(['name', 'to', 'redirect', 'upstream', 'status', 'users', 'anybody'])

/** `target` was read from the change before; without one the route leads where it did. */
export function applyRouteChange(
  name: string,
  before: RouteSpec | undefined,
  { change, target }: { readonly change: RouteChanges; readonly target: RouteAim | undefined },
): RouteSpec {
  const aim = withStatus(target ?? before?.target, change.status)
  const { target: _, users: had, ...rest } = before ?? ({} as Partial<RouteSpec>)
  const set = Object.entries(change).filter(([key, value]) => !others.has(key) && value !== undefined)
  const settings = Object.fromEntries(
    Object.entries({ ...rest, ...Object.fromEntries(set) }).filter(([key, value]) => isSaid(name, key, value)),
  ) as RouteSettings
  const users = namesAfter(had ?? [], change)
  const spec: RouteSpec = { target: aim, ...settings, ...(users.length > 0 ? { users } : {}) }
  assertFits(name, spec)
  return spec
}

/** What is as it is by itself is not kept. Of a path, by itself is as its domain: there a no is something. */
function isSaid(name: string, key: string, value: unknown): boolean {
  if (key === 'inherit') return value === false
  if (value === false) return key === 'maintenance' && isBelow(name)
  return value !== null && !(Array.isArray(value) && value.length === 0)
}

function withStatus(target: RouteAim | undefined, status: 301 | 302 | 308 | undefined): RouteAim {
  if (!target) throw wrong('a route leads to a guest, a site, a redirect or another server')
  if (status === undefined) return target
  if (target.kind !== 'redirect') throw wrong('only a redirect has a status')
  return { ...target, status }
}

function namesAfter(had: readonly string[], { users = {}, anybody }: RouteChanges): string[] {
  const names = new Set(anybody ? [] : had)
  for (const [name, password] of Object.entries(users)) {
    if (password === null) names.delete(name)
    else names.add(name)
  }
  return [...names].sort()
}

/** Of TCP there is a guest and its port; of TLS that passes through, its names too. */
const ofTcp: ReadonlySet<string> = new Set(['target', 'clientAddress'])
const ofPassthrough: ReadonlySet<string> = new Set([...ofTcp, 'passthrough', 'names'])
/** What only servers have that are croft's own guests. */
const ofGuests = ['check', 'sticky', 'clientAddress', 'connections'] as const

function assertFits(name: string, spec: RouteSpec): void {
  const route = parseRoute(name)
  const { target } = spec
  if (route.kind === 'tcp') assertOnly(spec, ofTcp, `${name} is TCP`)
  if (route.kind === 'http' && spec.passthrough) {
    assertOnly(spec, ofPassthrough, 'TLS goes to the guest as it is')
    if (route.path !== '/') throw wrong('a path cannot be seen in TLS that goes to the guest as it is')
  }
  if ((route.kind === 'tcp' || spec.passthrough) && !isOurs(target))
    throw wrong(`${name} can lead to a guest or a site only`)
  const alien = isOurs(target) ? undefined : ofGuests.find((key) => spec[key] !== undefined)
  if (alien !== undefined) throw wrong(`${wordOf(alien)} is for routes to guests and sites`)
  if (spec.inherit === false && !isBelow(name)) throw wrong('inherit is for a path of a domain')
  if (route.kind === 'http') assertNames(name, spec, route)
}

const isOurs = ({ kind }: RouteAim): boolean => kind === 'guest' || kind === 'site'

function assertNames(name: string, spec: RouteSpec, { host, path }: { host: string; path: string }): void {
  if (spec.aliases && path !== '/') throw wrong('aliases lead to a whole domain, not to a path')
  if (spec.aliases && host.startsWith('*.')) throw wrong('an alias cannot lead to *: it needs one name to lead to')
  const claims = claimsOf(name, spec)
  const twice = twiceIn(claims)
  if (twice !== undefined) throw wrong(`${twice} is named twice`)
  if (claims.length > mostNames) throw wrong(`a route has at most ${mostNames} names and aliases`)
}

/** So many reservations fit into one transaction. */
const mostNames = 41

function assertOnly(spec: RouteSpec, allowed: ReadonlySet<string>, why: string): void {
  const first = Object.keys(spec).find((key) => !allowed.has(key))
  if (first !== undefined) throw wrong(`${why}: ${wordOf(first)} means nothing there`)
}

/** What that change touched is as it was before; users, whose passwords are not in history, stay. */
export function revertRoute(spec: RouteSpec, before: RouteSpec, after: RouteSpec): RouteSpec {
  const [now, old, then] = [spec, before, after].map((each) => new Map(Object.entries(each)))
  const text = (value: unknown): string => JSON.stringify(value) ?? ''
  const touched = [...new Set([...(old?.keys() ?? []), ...(then?.keys() ?? [])])].filter(
    (key) => key !== 'users' && text(old?.get(key)) !== text(then?.get(key)),
  )
  const anew = touched.find((key) => text(now?.get(key)) !== text(then?.get(key)))
  if (anew !== undefined)
    throw new CroftError('CHANGED_MEANWHILE', `${wordOf(anew)} was set anew since`, { hint: 'croft history route' })
  for (const key of touched) {
    if (old?.has(key)) now?.set(key, old.get(key) as never)
    else now?.delete(key)
  }
  return Object.fromEntries(now ?? []) as unknown as RouteSpec
}

/** What makes such a route by `croft route add`, passwords apart: they are asked for. `guest` is the one that it led to. */
export function addWords(name: string, { target, users = [], ...settings }: RouteSpec, guest = 'GUEST'): string {
  const to = aimWords(target, guest)
  const status = target.kind === 'redirect' && target.status !== 301 ? [`status=${target.status}`] : []
  const said = Object.entries(settings).map(([key, value]) => `${wordOf(key)}=${typed(value)}`)
  return [name, to, ...status, ...said, ...users.map((user) => `user=${user}`)].join(' ')
}

function aimWords(target: RouteAim, guest: string): string {
  switch (target.kind) {
    case 'guest':
      return `${guest}:${target.port}`
    case 'site':
      return `${target.site}${target.port === undefined ? '' : `:${target.port}`}`
    default:
      return `--${target.kind} ${target.url}`
  }
}

function typed(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  const text = Array.isArray(value) ? value.join(',') : String(value)
  return /^[\w.,:/*@+-]*$/.test(text) ? text : JSON.stringify(text)
}

/** Names of the farm's own making cannot be given. */
export function assertNoPreview(name: string, spec: RouteSettings, previewDomain: string | undefined): void {
  const preview = claimsOf(name, spec).find(({ host }) => isPreview(host, previewDomain))
  if (!preview) return
  throw new CroftError('REFUSED', `${preview.host}: names below ${previewDomain} are previews of other routes`, {
    hint: 'croft farm show',
  })
}

/** As it is typed. */
const wordOf = (key: string): string => key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

const wrong = (message: string): CroftError => new CroftError('BAD_VALUE', message, { hint: 'croft help route set' })
