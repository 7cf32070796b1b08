/** One route of HTTP as a backend of its own: who may come, how much, and who answers. Pure. */
import { join } from 'node:path'
import type { EdgeWish, Site, SiteTarget } from '../driver.ts'
import { source } from './bounds.ts'
import { backendOf, type Layout, listFile, maintenanceFile, nearFile, operatorsFile } from './layout.ts'
import { lengthNeeded } from './pages.ts'
import { errorsUntilDown, serverLines, setOfSite } from './servers.ts'
import { upstreamLines } from './upstream.ts'

/** A connection that fails is tried again after so long: `timeout connect` of the defaults. */
const triesPerSecond = 2

export const usersOf = ({ id, users }: Site): string[][] =>
  users.length === 0 ? [] : [[`userlist u_${id}`, ...users.map(({ name, hash }) => `user ${name} password '${hash}'`)]]

interface Around {
  readonly wish: EdgeWish
  readonly layout: Layout
}

export function siteSections(site: Site, { wish, layout }: Around): string[][] {
  const file = (name: string) => join(layout.folder, name)
  return [
    [
      `backend ${backendOf(site.id)}`,
      ...secure(site, wish),
      ...who(site, file),
      ...howMuch(site),
      ...maintenance(site, file),
      ...password(site),
      ...body(site),
      ...compression(site),
      ...answers(site, file),
    ],
  ]
}

const isAcme = '{ path_beg /.well-known/acme-challenge/ }'

function secure({ https }: Site, wish: EdgeWish): string[] {
  if (wish.https.length === 0) return []
  if (https === 'off') return ['http-request deny deny_status 404 if { ssl_fc }']
  if (https === 'both') return []
  const port = /:(\d+)$/.exec(wish.https[0] ?? '')?.[1]
  const at = `https://%[var(txn.name)]${port === '443' ? '' : `:${port}`}`
  return [`http-request redirect code 301 location ${at}%[pathq] unless { ssl_fc } || ${isAcme}`]
}

const who = ({ id, allow, deny }: Site, file: (name: string) => string): string[] => [
  ...(deny.length === 0 ? [] : [`http-request deny deny_status 403 if { src -f ${file(listFile('deny', id))} }`]),
  ...(allow.length === 0 ? [] : [`http-request deny deny_status 403 unless { src -f ${file(listFile('allow', id))} }`]),
]

/** Wrong passwords count as well: each costs the edge a hash. */
function howMuch({ limits: { requestsPerSecond: most }, users }: Site): string[] {
  if (most === undefined && users.length === 0) return []
  return [
    'stick-table type ipv6 size 100k expire 60s store http_req_rate(1s),gpc0_rate(10s)',
    `http-request track-sc1 ${source}`,
    ...(most === undefined ? [] : [`http-request deny deny_status 429 if { sc1_http_req_rate gt ${most} }`]),
  ]
}

function maintenance({ id, maintenance: wish }: Site, file: (name: string) => string): string[] {
  if (!wish) return []
  const page = `content-type "text/html; charset=utf-8" file ${file(maintenanceFile(id))}`
  const headers = `hdr Retry-After ${wish.retryAfterSeconds} hdr Cache-Control no-store`
  return [`http-request return status 503 ${page} ${headers} unless { src -f ${file(operatorsFile)} }`]
}

/** What was right a moment ago is believed without hashing it again. It does not reach the guest. */
function password({ id, users }: Site): string[] {
  if (users.length === 0) return []
  return [
    // The whole first header, as http_auth reads it: what is remembered is what was proven.
    'http-request deny deny_status 400 if { req.fhdr_cnt(authorization) gt 1 }',
    'http-request deny deny_status 400 if { req.fhdr(authorization),length gt 400 }',
    'http-request set-var(txn.authorization) req.fhdr(authorization)',
    `http-request set-var(txn.credentials) str(${id}:),concat(,txn.authorization),sha2(256)`,
    'http-request set-var(txn.known) bool(true) if { req.fhdr(authorization) -m found } { var(txn.credentials),table_gpt0(credentials) eq 1 }',
    'http-request deny deny_status 429 if !{ var(txn.known) -m bool } { sc1_gpc0_rate gt 20 }',
    `http-request set-var(txn.right) bool(true) if { var(txn.known) -m bool } || { http_auth(u_${id}) }`,
    'http-request sc-inc-gpc0(1) if { var(txn.authorization) -m found } !{ var(txn.right) -m bool }',
    'http-request auth realm restricted unless { var(txn.right) -m bool }',
    'http-request track-sc2 var(txn.credentials) table credentials',
    'http-request sc-set-gpt0(2) 1',
    'http-request del-header Authorization',
  ]
}

export const limitsBodies = ({ limits }: Site): boolean => limits.bodyBytes !== undefined

/** A length that nobody told cannot be held to one. Over HTTP/2 no header tells that there is a body: its first bytes do. */
function body({ limits: { bodyBytes: most } }: Site): string[] {
  if (most === undefined) return []
  const tooLarge = `{ req.body_size gt ${most} }`
  const chunked = '{ req.hdr(transfer-encoding) -m found }'
  const untold = '{ fc_http_major 2 } !{ req.hdr(content-length) -m found } !{ req.hdr(upgrade) -m found }'
  return [
    `http-request use-service lua.too_large if { fc_http_major 2 } ${tooLarge}`,
    `http-request deny deny_status 413 if ${tooLarge}`,
    `http-request wait-for-body time 10s at-least 1 if ${untold}`,
    `http-request use-service lua.length_required if ${untold} { req.body_len gt 0 }`,
    `http-request return status 411 content-type text/plain string ${JSON.stringify(lengthNeeded)} if ${chunked}`,
  ]
}

const compression = ({ compress }: Site): string[] =>
  compress
    ? [
        'compression algo gzip',
        'compression type text/html text/css text/plain text/xml text/javascript application/javascript application/json application/manifest+json application/xml application/rss+xml application/atom+xml image/svg+xml',
      ]
    : []

function answers(site: Site, file: (name: string) => string): string[] {
  switch (site.target.kind) {
    case 'servers':
      return byServers(site, site.target)
    case 'upstream':
      return upstreamLines(site, site.target, file(nearFile))
    case 'redirect':
      return byRedirect(site.target)
  }
}

function byServers(site: Site, target: Extract<SiteTarget, { kind: 'servers' }>): string[] {
  const { timeoutSeconds, queueSeconds } = site.limits
  const host = site.hosts.find((name) => !name.startsWith('*')) ?? 'localhost'
  return [
    'balance roundrobin',
    ...(target.sticky
      ? [`dynamic-cookie-key ${site.id}`, `cookie e_${site.id} insert indirect nocache httponly dynamic`]
      : []),
    `timeout server ${timeoutSeconds}s`,
    `timeout queue ${Math.max(1, queueSeconds)}s`,
    `retries ${Math.max(errorsUntilDown, queueSeconds * triesPerSecond)}`,
    'option redispatch 1',
    'retry-on conn-failure empty-response',
    'http-request disable-l7-retry unless METH_GET',
    ...(target.check
      ? [
          'option httpchk',
          `http-check send meth GET uri ${target.check.path} ver HTTP/1.1 hdr Host ${host} hdr User-Agent croft`,
          'http-check expect status 200-399',
        ]
      : []),
    ...serverLines(setOfSite(site, target)),
  ]
}

function byRedirect({ to, status, keepPath }: Extract<SiteTarget, { kind: 'redirect' }>): string[] {
  // In a location `%` begins a format.
  const plain = (keepPath ? to.replace(/\/+$/, '') : to).replaceAll('%', '%%')
  return [`http-request redirect code ${status} ${keepPath ? 'prefix' : 'location'} '${plain}'`]
}
