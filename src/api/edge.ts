/** Routes: one rule at the edge each. Domains are unique over the farm: a name serves, or leads, in one route for each path. */

import { isIP } from 'node:net'
import { z } from 'zod'
import { SiteName } from './app.ts'
import { Domain, DomainOrWildcard, label } from './domain.ts'
import { AddressRange, Flag, GuestName, Listen, OneLine, PortNumber, parseListen, SizeBytes, Unset } from './values.ts'

const pathPattern = /^(\/[A-Za-z0-9._~-]{1,255}){1,32}$/
const isPath = (text: string): boolean => pathPattern.test(text) && !/\/\.\.?(\/|$)/.test(text)
/** What the edge can ask a guest for, to see whether it is well. */
export const isCheckPath = (text: string): boolean => text === '/' || isPath(text)
/**
 * What a route is called: `shop.example.org`, `*.example.org`, `shop.example.org/api`; `:5432` or `203.0.113.5:5432` for TCP.
 * A path fits whole segments: `/api` is `/api` and `/api/…`, never `/apix`.
 */
export const RouteName = z
  .string()
  .max(400)
  .transform((text, context) => {
    if (isListen(text)) return text
    const slash = text.indexOf('/')
    const domain = DomainOrWildcard.safeParse(slash < 0 ? text : text.slice(0, slash))
    const path = slash < 0 ? '' : text.slice(slash).replace(/\/+$/, '')
    if (domain.success && (path === '' || isPath(path))) return domain.data + path
    context.addIssue({
      code: 'custom',
      message: `"${text.slice(0, 80)}" is not a route like shop.example.org, shop.example.org/api or :5432`,
    })
    return z.NEVER
  })
export const isListen = (text: string): boolean => parseListen(text) !== undefined

/** `web`, `web:8080`: a guest, and its port (80 where none is named). `shop/prod`: a site, and the port that its instances serve. */
export const RouteTarget = z.string().transform((text, context) => {
  const [guest = '', port = '80', ...rest] = text.split(':')
  const isPort = /^\d+$/.test(port) && PortNumber.safeParse(port).success
  if (rest.length === 0 && isPort && SiteName.safeParse(guest).success)
    return { site: guest, ...(text.includes(':') ? { port: Number(port) } : {}) }
  const name = GuestName.safeParse(guest)
  if (rest.length === 0 && name.success && isPort) return { guest, port: Number(port) }
  context.addIssue({
    code: 'custom',
    message: `"${text.slice(0, 80)}" is not a guest and port like web:8080, or a site like shop/prod`,
  })
  return z.NEVER
})
const Url = z
  .string()
  .max(2000)
  .regex(
    /^https?:\/\/([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?(\/[A-Za-z0-9._~:/?#@!&()*+,;=%-]*)?$/,
    'must be an http or https address',
  )
  .refine((text) => URL.canParse(text) && isHost(new URL(text).hostname), 'must be an http or https address')
const isHost = (name: string): boolean =>
  isIP(name.replace(/^\[|\]$/g, '')) !== 0 || new RegExp(`^(?=.{1,253}$)(${label}\\.)*${label}$`).test(name)

/** `30s`, `5m`, `2h`, or seconds. */
export const Seconds = z.union([z.number(), z.string()]).transform((value, context) => {
  const match = /^(\d{1,6})(s|m|h|)$/.exec(String(value))
  const seconds = Number(match?.[1]) * { s: 1, m: 60, h: 3600 }[(match?.[2] || 's') as 's' | 'm' | 'h']
  if (match && seconds >= 1 && seconds <= 86_400) return seconds
  context.addIssue({ code: 'custom', message: `"${String(value).slice(0, 40)}" is not a time like 30s, 5m or 2h` })
  return z.NEVER
})
/** `50/s`, or requests a second. */
const PerSecond = z.union([z.number(), z.string()]).transform((value, context) => {
  const match = /^(\d{1,7})(\/s)?$/.exec(String(value))
  const count = Number(match?.[1])
  if (match && count >= 1 && count <= 1_000_000) return count
  context.addIssue({ code: 'custom', message: `"${String(value).slice(0, 40)}" is not a rate like 50/s` })
  return z.NEVER
})
/** As people type them, between commas, or as a list. */
const listOf = <T extends z.ZodType<unknown, string>>(item: T, most: number) =>
  z
    .union([
      z.array(z.string()),
      z
        .string()
        .max(20_000)
        .transform((text) => text.split(',').filter((each) => each !== '')),
    ])
    .pipe(z.array(item).max(most))
/** Of HTTP's basic authentication. */
const UserName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/, 'must be 1 to 64 of letters, digits and . _ @ -')
const Password = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\p{C}\p{Zl}\p{Zp}]*$/u, 'must be one line of printable characters')

/** A transaction of the store has room for so many names. */
const mostNames = 40

/** What can be set. `null`, or nothing, takes a setting away, back to what it is by itself. */
const settings = {
  /** Names that lead here (301). */
  aliases: listOf(Domain, mostNames),
  /** Names that serve as this one does. */
  names: listOf(DomainOrWildcard, mostNames),
  https: z.enum(['only', 'both', 'off']),
  /** TLS goes to the guest as it is; the guest has the certificate. */
  passthrough: Flag,
  clientAddress: z.enum(['headers', 'proxy']),
  sticky: Flag,
  compress: Flag,
  /** A path that must answer 2xx or 3xx for the guest to be asked. */
  check: z.string().max(400).refine(isCheckPath, 'must be a path like /up'),
  allow: listOf(AddressRange, 500),
  deny: listOf(AddressRange, 500),
  rate: PerSecond,
  bodyMax: SizeBytes,
  timeout: Seconds,
  queue: Seconds.refine((seconds) => seconds <= 600, 'must be at most 10m'),
  connections: z.coerce.number().int().min(1).max(100_000),
  noindex: Flag,
  maintenance: Flag,
  /** Of a path: users, lists and maintenance of its domain hold for it as well. */
  inherit: Flag,
  /** What the page says. */
  maintenanceText: OneLine,
  retryAfter: Seconds,
} as const
type Settings = typeof settings
const changes = Object.fromEntries(
  Object.entries(settings).map(([key, schema]) => [key, z.union([Unset, schema]).optional()]),
) as { [K in keyof Settings]: z.ZodOptional<z.ZodUnion<readonly [typeof Unset, Settings[K]]>> }

const Status = z.coerce.number().pipe(z.union([z.literal(301), z.literal(302), z.literal(308)]))
/** One of `to`, `redirect`, `upstream`. */
const target = {
  to: RouteTarget.optional(),
  redirect: Url.optional(),
  upstream: Url.refine(
    (text) => !URL.canParse(text) || new URL(text).pathname === '/',
    'must be an address without a path: what is asked for is handed on as it is',
  ).optional(),
  /** Of a redirect: 301 by itself. */
  status: Status.optional(),
  /** Users that must say their password; null takes one away. */
  users: z.record(UserName, Password.nullable()).optional(),
  /** Takes all users away. */
  anybody: Flag.optional(),
} as const
const targets = ({ to, redirect, upstream }: { to?: unknown; redirect?: unknown; upstream?: unknown }): number =>
  [to, redirect, upstream].filter((each) => each !== undefined).length
export const NewRoute = z
  .strictObject({ name: RouteName, ...target, ...changes })
  .refine((route) => targets(route) === 1, 'must say one of a guest, redirect and upstream')
export type NewRoute = z.input<typeof NewRoute>
export const RouteChange = z
  .strictObject({ ...target, ...changes })
  .refine((route) => targets(route) <= 1, 'must say one of a guest, redirect and upstream')
export type RouteChange = z.input<typeof RouteChange>
export type RouteChanges = z.output<typeof RouteChange>

export const settingKeys = Object.keys(settings) as (keyof Settings)[]
export type RouteSettings = { readonly [K in keyof Settings]?: z.output<Settings[K]> }

/** What answers. A guest is known by its number and id: a new one with an old name or number serves nobody's domain. */
export type RouteAim =
  | { readonly kind: 'guest'; readonly number: number; readonly id: string; readonly port: number }
  /** By its name and id. The port, or the daemon of each instance, when it is not the first that has one. */
  | {
      readonly kind: 'site'
      readonly site: string
      readonly id: string
      readonly port?: number
      readonly daemon?: string
    }
  | { readonly kind: 'redirect'; readonly url: string; readonly status: 301 | 302 | 308 }
  /** `near`: root on the host let it lead to the host itself. */
  | { readonly kind: 'upstream'; readonly url: string; readonly near?: true }

/** The wish. Of users the names alone: what proves them is kept apart. */
export interface RouteSpec extends RouteSettings {
  readonly target: RouteAim
  readonly users?: readonly string[]
}

/** A route as it is answered. */
export interface EdgeRoute extends RouteSettings {
  readonly name: string
  readonly id: string
  readonly revision: number
  readonly kind: 'guest' | 'site' | 'redirect' | 'upstream' | 'tcp'
  /** `web:8080` by the guest's name of now, `shop/prod`, or an address. */
  readonly target: string
  readonly state: RouteState
  /** Why it does not serve, and the command to try. */
  readonly reason?: string
  readonly mend?: string
  /** The name under the farm's preview domain. */
  readonly preview?: string
  /** Users that basic authentication knows; passwords are never told. */
  readonly users: readonly string[]
  /** Of a path: what holds for it and is said of the domain, or of a path above. */
  readonly inherited?: { readonly [K in 'users' | 'allow' | 'deny' | 'maintenance']?: Inherited }
  /** What the certificate is, and when it ends; null without https. */
  readonly certificate: { readonly kind: string; readonly expires: string; readonly reason?: string } | null
  /** Since the edge began; null while it cannot be asked. */
  readonly requests: number | null
  readonly created: string
  readonly by: string
}
export interface Inherited {
  /** The route that says it. */
  readonly from: string
  readonly value: readonly string[] | boolean
}
/** One request. Neither its query nor a header: there are secrets in these. */
export interface RouteRequest {
  readonly at: string
  readonly client: string
  readonly host?: string
  /** `TCP` of a stream. */
  readonly method: string
  readonly path: string
  /** 0 of a stream, and when the client left before an answer. */
  readonly status: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly waitedMs: number
  readonly tookMs: number
}
/** `next` is where it goes on. */
export interface AccessPage {
  readonly lines: readonly RouteRequest[]
  readonly next: string
}
/** `no-target`: its guest is not there; `no-answer`: nobody in it listens. Both are 503 at once; while it `waits`, requests do. */
export type RouteState = 'serves' | 'maintenance' | 'no-target' | 'no-answer' | 'waits'

/** A name server: `ADDRESS` or `ADDRESS:PORT`. */
const Resolver = z
  .string()
  .max(60)
  .refine((text) => isIP(text) !== 0 || parseListen(text)?.host !== undefined, 'must be ADDRESS or ADDRESS:PORT')

/** The farm's settings for its edges. Null takes away. */
const edge = {
  http: listOf(Listen, 16),
  https: listOf(Listen, 16),
  /** Public addresses of the edges, when they are not the host's own (behind NAT). */
  addresses: listOf(AddressRange, 32),
  previewDomain: Domain,
  /** Networks that pass maintenance pages. */
  operators: listOf(AddressRange, 100),
  /** Asked for what the public sees. */
  resolvers: listOf(Resolver, 4),
  /** URL of an ACME server's directory, or Let's Encrypt's by word. */
  acmeDirectory: z.union([z.enum(['production', 'staging']), Url]),
  acmeEmail: z.email().max(200),
  /** Agrees to the terms of the ACME server; without it no certificate is asked for. */
  acmeAgreed: Flag,
} as const
type EdgeKeys = typeof edge
export const EdgeChange = z.strictObject(
  Object.fromEntries(Object.entries(edge).map(([key, schema]) => [key, z.union([Unset, schema]).optional()])) as {
    [K in keyof EdgeKeys]: z.ZodOptional<z.ZodUnion<readonly [typeof Unset, EdgeKeys[K]]>>
  },
)
export type EdgeChange = z.output<typeof EdgeChange>
export type EdgeSettings = { readonly [K in keyof EdgeKeys]?: z.output<EdgeKeys[K]> } & {
  /** Root on the host named a directory there. */
  readonly acmeNear?: true
}
