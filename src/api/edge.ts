/** Routes: one rule at the edge each. Domains are unique over the farm: a name serves, or leads, in one route for each path. */
import { z } from 'zod'
import { AddressRange, GuestName, Listen, OneLine, PortNumber, SizeBytes } from './values.ts'

const label = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?'
/** `shop.example.org`, in lower case, in the spelling of DNS (`xn--…`). */
export const domainPattern = new RegExp(`^(?=.{4,253}$)(${label}\\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$`)
/** What people type: capitals and letters of other scripts become what DNS has. */
const inDnsSpelling = (text: string): string => {
  try {
    const { hostname } = new URL(`http://${text.replace(/\.$/, '')}`)
    return /^[^\s/\\@:?#%[\]]+$/.test(text) ? hostname : text
  } catch {
    return text
  }
}
export const Domain = z
  .string()
  .max(253)
  .transform(inDnsSpelling)
  .pipe(z.string().regex(domainPattern, 'must be a domain like shop.example.org'))
/** Also `*.example.org`: any one label. */
export const DomainOrWildcard = z
  .string()
  .max(253)
  .transform((text) => (text.startsWith('*.') ? `*.${inDnsSpelling(text.slice(2))}` : inDnsSpelling(text)))
  .refine(
    (text) => domainPattern.test(text.replace(/^\*\./, '')),
    'must be a domain like shop.example.org or *.example.org',
  )

const pathPattern = /^(\/[A-Za-z0-9._~-]+)+$/
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
    if (domain.success && (path === '' || (pathPattern.test(path) && !/\/\.\.?(\/|$)/.test(path))))
      return domain.data + path
    context.addIssue({
      code: 'custom',
      message: `"${text.slice(0, 80)}" is not a route like shop.example.org, shop.example.org/api or :5432`,
    })
    return z.NEVER
  })
const isListen = (text: string): boolean => Listen.safeParse(text).success

/** `web`, `web:8080`: a guest, and its port (80 where none is named). */
export const RouteTarget = z.string().transform((text, context) => {
  const [guest = '', port = '80', ...rest] = text.split(':')
  const name = GuestName.safeParse(guest)
  const number = PortNumber.safeParse(port)
  if (rest.length === 0 && name.success && number.success && /^\d+$/.test(port)) return { guest, port: number.data }
  context.addIssue({ code: 'custom', message: `"${text.slice(0, 80)}" is not a guest and port like web:8080` })
  return z.NEVER
})
const Url = z
  .string()
  .max(2000)
  .regex(
    /^https?:\/\/[A-Za-z0-9.:[\]-]+(\/[\x21\x23-\x26\x28-\x3b\x3d\x3f-\x5a\x5f\x61-\x7a\x7e]*)?$/,
    'must be an http or https address',
  )
  .refine(
    (text) => URL.canParse(text) && new URL(text).username === '',
    'must be an http or https address without a user',
  )
const Seconds = z.coerce.number().int().min(1).max(86_400)
/** `user`, and a crypt(3) hash that the daemon made of a password. */
export const RouteUser = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/, 'must be 1 to 64 of letters, digits and . _ @ -')

/** What can be set. `null` takes a setting away, back to what it is by itself. */
const settings = {
  /** Names that lead here (301). */
  aliases: z.array(Domain).max(200),
  /** Names that serve as this one does. */
  names: z.array(DomainOrWildcard).max(200),
  https: z.enum(['only', 'both', 'off']),
  /** TLS goes to the guest as it is; the guest has the certificate. */
  passthrough: z.boolean(),
  clientAddress: z.enum(['headers', 'proxy']),
  sticky: z.boolean(),
  compress: z.boolean(),
  /** A path that must answer 2xx or 3xx for the guest to be asked. */
  check: z.string().regex(pathPattern, 'must be a path like /up').or(z.literal('/')),
  allow: z.array(AddressRange).max(500),
  deny: z.array(AddressRange).max(500),
  rate: z.coerce.number().int().min(1).max(1_000_000),
  bodyMax: SizeBytes,
  timeout: Seconds,
  queue: Seconds.max(600),
  connections: z.coerce.number().int().min(1).max(100_000),
  noindex: z.boolean(),
  maintenance: z.boolean(),
  /** What the page says. */
  maintenanceText: OneLine,
  retryAfter: Seconds,
} as const
const changes = Object.fromEntries(
  Object.entries(settings).map(([key, schema]) => [key, schema.nullable().optional()]),
) as { [K in keyof typeof settings]: z.ZodOptional<z.ZodNullable<(typeof settings)[K]>> }

/** One of `to`, `redirect`, `upstream`. */
const target = {
  to: RouteTarget.optional(),
  redirect: Url.optional(),
  upstream: Url.optional(),
  /** Of a redirect: 301 by itself. */
  status: z.union([z.literal(301), z.literal(302), z.literal(308)]).optional(),
} as const
export const NewRoute = z.strictObject({ name: RouteName, ...target, ...changes })
export type NewRoute = z.input<typeof NewRoute>
export const RouteChange = z.strictObject({ ...target, ...changes })
export type RouteChange = z.input<typeof RouteChange>

export type RouteSettings = { readonly [K in keyof typeof settings]?: z.output<(typeof settings)[K]> }

/** A route as it is answered. */
export interface EdgeRoute extends RouteSettings {
  readonly name: string
  readonly id: string
  readonly kind: 'guest' | 'redirect' | 'upstream' | 'tcp'
  /** `web:8080` by the guest's name of now, or an address. */
  readonly target: string
  readonly state: 'serves' | 'maintenance' | 'no-target' | 'waits'
  /** Why it does not serve. */
  readonly reason?: string
  /** The name under the farm's preview domain. */
  readonly preview?: string
  /** Users that basic authentication knows; passwords are never told. */
  readonly users: readonly string[]
  /** What the certificate is, and when it ends; null without https. */
  readonly certificate: { readonly kind: string; readonly expires: string; readonly reason?: string } | null
  readonly created: string
  readonly by: string
}

/** The farm's settings for its edges. Null takes away. */
export const EdgeSettings = z.strictObject({
  http: z.array(Listen).min(1).max(16).nullable().optional(),
  https: z.array(Listen).min(1).max(16).nullable().optional(),
  /** Public addresses of the edges, when they are not the host's own (behind NAT). */
  addresses: z.array(AddressRange).max(32).nullable().optional(),
  previewDomain: Domain.nullable().optional(),
  /** Networks that pass maintenance pages. */
  operators: z.array(AddressRange).max(100).nullable().optional(),
  /** Asked for what the public sees: `ADDRESS` or `ADDRESS:PORT`. */
  resolvers: z.array(z.string().max(60)).max(4).nullable().optional(),
  acmeDirectory: Url.nullable().optional(),
  acmeEmail: z.email().max(200).nullable().optional(),
  /** `yes` agrees to the terms of the ACME server; without it no certificate is asked for. */
  acmeAgreed: z.boolean().nullable().optional(),
})
export type EdgeSettings = z.output<typeof EdgeSettings>
