/** HAProxy's whole configuration. Pure; the wish was checked by `checkWish`. What each choice is for: docs/design/edge.md. */

import { join } from 'node:path'
import type { EdgeWish } from '../driver.ts'
import { addressesOf } from './addresses.ts'
import { boundedConnections } from './bounds.ts'
import { certificatesFile, drainingFile, type Layout, mapFiles, pageFile, streamOf, tlsSocket } from './layout.ts'
import { httpFormat } from './log.ts'
import { endsHere } from './maps.ts'
import { pageStatuses } from './pages.ts'
import { limitsBodies, siteSections, usersOf } from './site.ts'
import { isPassthrough, streamSections } from './stream.ts'

export interface Around {
  readonly layout: Layout
  /** Whether this machine has IPv6 at all: `:80` means both families then. */
  readonly ipv6: boolean
  /** Whom the workers become. */
  readonly user: string
}

/** Servers of sites and streams are lines of it, as they are at its writing. */
export function configOf(wish: EdgeWish, around: Around): string {
  const sections = [
    global(wish, around),
    defaults(around),
    resolvers(wish),
    ...wish.sites.flatMap(usersOf),
    ...tables,
    web(wish, around),
    ...(isPassthrough(wish) ? [tls(wish, around)] : []),
    ...wish.sites.flatMap((site) => siteSections(site, { wish, layout: around.layout })),
    ...streamSections(wish, (listen) => bindsTo(listen, around)),
  ]
  const text = sections
    .filter((lines) => lines.length > 0)
    .map(([head, ...lines]) => [head, ...lines.map((line) => `  ${line}`)].join('\n'))
  return `${['# written by croft', ...text].join('\n\n')}\n`
}

const modern = 'ssl-min-ver TLSv1.2 no-tls-tickets'
const ciphers = ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384']
const moreCiphers = ['ECDHE-RSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-RSA-CHACHA20-POLY1305']

const global = ({ sites }: EdgeWish, { layout, user }: Around): string[] => [
  'global',
  ...(sites.some(limitsBodies) ? [`lua-load-per-thread ${join(layout.folder, drainingFile)}`] : []),
  'log stdout format raw local0 info',
  `user ${user}`,
  `group ${user}`,
  `chroot ${layout.jail}`,
  // Of it follows how many connections there can be: half as many, or what the machine allows.
  'fd-hard-limit 40000',
  // Old workers end what they have, for so long, and so many of them.
  'hard-stop-after 10m',
  'mworker-max-reloads 50',
  'spread-checks 20',
  'tune.ssl.default-dh-param 2048',
  `ssl-default-bind-ciphers ${[...ciphers, ...moreCiphers].join(':')}`,
  'ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256',
  `ssl-default-bind-options prefer-client-ciphers ${modern}`,
  'ssl-default-server-options ssl-min-ver TLSv1.2',
]

const defaults = ({ layout }: Around): string[] => [
  'defaults',
  'mode http',
  'log global',
  'option dontlognull',
  'option http-restrict-req-hdr-names delete',
  'timeout http-request 10s',
  'timeout http-keep-alive 60s',
  'timeout client 60s',
  'timeout client-fin 10s',
  'timeout server 60s',
  'timeout server-fin 10s',
  'timeout connect 500ms',
  'timeout queue 10s',
  'timeout tunnel 1h',
  ...pageStatuses.map((status) => `errorfile ${status} ${join(layout.folder, pageFile(status))}`),
]

/** Names of upstreams are asked for again and again: they move. */
const resolvers = ({ sites }: EdgeWish): string[] =>
  sites.some(({ target }) => target.kind === 'upstream')
    ? ['resolvers host', 'parse-resolv-conf', 'hold valid 10s', 'accepted_payload_size 8192']
    : []

/** One for all sites: open connections by address, and credentials that were found right a moment ago. */
const tables = [
  ['backend sources', 'stick-table type ipv6 size 200k expire 60s store conn_cur'],
  ['backend credentials', 'stick-table type binary len 32 size 50k expire 5m store gpt0'],
]
const bindsTo = (listen: string, around: Around): string[] =>
  addressesOf(listen, around).map(({ host, port }) =>
    host.includes(':') ? `bind [${host}]:${port}${host === '::' ? ' v6only' : ''}` : `bind ${host}:${port}`,
  )

function web(wish: EdgeWish, around: Around): string[] {
  const { layout } = around
  const file = (name: string) => join(layout.folder, name)
  const ssl = `ssl crt-list ${file(certificatesFile)} alpn h2,http/1.1`
  const isOurs = wish.certificates.length > 0
  const local = `bind unix@${join(layout.jail, tlsSocket)} user ${around.user} mode 600 accept-proxy ${ssl}`
  const secured = isPassthrough(wish)
    ? [local]
    : wish.https.flatMap((listen) => bindsTo(listen, around)).map((bind) => `${bind} ${ssl}`)
  return [
    'frontend web',
    ...wish.http.flatMap((listen) => bindsTo(listen, around)),
    ...(isOurs ? secured : []),
    `log-format "${httpFormat}"`,
    // An old worker that closes an idle connection would meet a request that is on its way.
    'option idle-close-on-response',
    ...boundedConnections,
    'http-request set-var(txn.asked) path',
    `http-request set-var(txn.token) path,field(4,/),map_str(${file(mapFiles.tokens)}) if { path_beg /.well-known/acme-challenge/ }`,
    'http-request return status 200 content-type text/plain lf-string "%[var(txn.token)]" if { var(txn.token) -m found }',
    ...whoIsAsked,
    ...whatIsAsked,
    `http-request set-var(txn.alias) var(txn.name),map_str(${file(mapFiles.aliases)})`,
    'http-request redirect code 301 location %[var(txn.alias)]%[pathq] if { var(txn.alias) -m found }',
    `http-request set-var(txn.site) var(txn.name),concat(,txn.path,/),map_beg(${file(mapFiles.routes)})`,
    'http-request set-var(txn.any) var(txn.name),regsub(^[^.]+,*) unless { var(txn.site) -m found }',
    `http-request set-var(txn.site) var(txn.any),concat(,txn.path,/),map_beg(${file(mapFiles.routes)}) unless { var(txn.site) -m found }`,
    'http-request deny deny_status 404 unless { var(txn.site) -m found }',
    ...clientAddress,
    ...(wish.sites.some(({ noindex }) => noindex.length > 0) ? whatIsIndexed(file(mapFiles.noindex)) : []),
    // Never true: the map is there to be asked which configuration this is.
    `http-request set-var(txn.mark) str(mark),map_str(${file(mapFiles.mark)}) if { always_false }`,
    'use_backend b_%[var(txn.site)]',
  ]
}

const hostAsked = 'req.hdr(host),host_only,lower,rtrim(.)'

/** A name that is no name is refused: with a slash in it, it would choose another path's rules. */
const whoIsAsked = [
  // What ends at it for one reader goes on for another.
  "http-request deny deny_status 400 if { req.hdrs -m reg '\\x00' }",
  'http-request deny deny_status 400 if { req.hdr_cnt(host) gt 1 }',
  `http-request set-var(txn.name) ${hostAsked} if { ${hostAsked} -m reg ^[a-z0-9._-]{1,253}$ }`,
  'http-request deny deny_status 400 if !{ var(txn.name) -m found } { req.hdr(host) -m found } !{ req.hdr(host) -m beg [ }',
  'http-request deny deny_status 404 unless { var(txn.name) -m found }',
]

/**
 * The path that rules are chosen by is the one that a guest will understand: decoded, without parameters of segments and
 * doubled slashes. Segments that lead upwards are refused; browsers resolve them themselves.
 */
const whatIsAsked = [
  'http-request set-var(txn.path) path',
  'http-request set-var(txn.path) path,url_dec,regsub(;[^/]*,,g),regsub(/+,/,g) if { path -m sub % ; // }',
  'http-request deny deny_status 400 if { path -m sub %00 }',
  // Many libraries read //x/admin as a host and /admin, and a backslash as a slash: the rules of /admin would not be asked.
  'http-request deny deny_status 400 if { path -m beg // } || { path -m sub \\\\ } || { path -m sub -i %5c }',
  'http-request deny deny_status 400 if { var(txn.path) -m sub /. \\\\. } { var(txn.path) -m reg [/\\\\\\\\]\\.\\.?([/\\\\\\\\]|$) }',
]

const clientAddress = [
  // A guest that takes another protocol over would answer past every rule here; websockets are what upgrades are for.
  'http-request del-header Upgrade unless { req.hdr(upgrade) -m str -i websocket }',
  'http-request del-header HTTP2-Settings',
  // Who may name what is not passed on would take the client's address away.
  'http-request deny deny_status 400 if { req.hdr(connection) -m sub -i x- forwarded }',
  'http-request del-header X-Original-URL',
  'http-request del-header X-Rewrite-URL',
  'http-request del-header Forwarded',
  'http-request del-header X-Forwarded- -m beg',
  'http-request del-header Proxy',
  'http-request set-header X-Real-IP %[src]',
  // Nothing of that name is left to be replaced.
  'http-request add-header X-Forwarded-For %[src]',
  'http-request add-header X-Forwarded-Host %[req.hdr(host)]',
  'http-request add-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]',
]

/** Of no site, as of most farms: nothing is asked for it. */
const whatIsIndexed = (map: string): string[] => [
  'http-request set-var(txn.called) var(txn.name)',
  'http-request set-var(txn.called) var(txn.any) if { var(txn.any) -m found }',
  `http-request set-var(txn.noindex) var(txn.site),concat(/,txn.called),map_str(${map})`,
  'http-response set-header X-Robots-Tag "noindex, nofollow" if { var(txn.noindex) -m found }',
]

/** In front of the https one, when TLS of some names goes on as it is; the rest comes back in by a local socket. */
const tls = (wish: EdgeWish, around: Around): string[] => {
  const map = join(around.layout.folder, mapFiles.passthrough)
  return [
    'frontend tls',
    'mode tcp',
    ...wish.https.flatMap((listen) => bindsTo(listen, around)),
    'no log',
    'timeout client 1h',
    ...boundedConnections,
    'tcp-request inspect-delay 5s',
    `tcp-request content set-var(sess.stream) req.ssl_sni,lower,map_str(${map}) if { req.ssl_hello_type 1 }`,
    `tcp-request content set-var(sess.stream) req.ssl_sni,lower,regsub(^[^.]+,*),map_str(${map}) if { req.ssl_hello_type 1 } !{ var(sess.stream) -m found }`,
    'tcp-request content accept if { req.ssl_hello_type 1 }',
    `use_backend ${streamOf('%[var(sess.stream)]')} if { var(sess.stream) -m found } !{ var(sess.stream) -m str ${endsHere} }`,
    ...(wish.certificates.length > 0 ? ['default_backend tls'] : []),
  ]
}
