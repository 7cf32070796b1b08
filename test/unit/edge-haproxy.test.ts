/** HAProxy's configuration, what it is told and what it answers: all that is pure. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { checkWish } from '../../src/drivers/edge/check.ts'
import type { EdgeServer, EdgeWish, Site } from '../../src/drivers/edge/driver.ts'
import { layoutOf } from '../../src/drivers/edge/haproxy/layout.ts'
import { parseLine } from '../../src/drivers/edge/haproxy/log.ts'
import { make } from '../../src/drivers/edge/haproxy/made.ts'
import { maintenancePage } from '../../src/drivers/edge/haproxy/pages.ts'
import { parseAnswering, parseCounters, parseProcesses, parseServers } from '../../src/drivers/edge/haproxy/parse.ts'
import { reasonIn } from '../../src/drivers/edge/haproxy/process.ts'
import { certificateChange, doWordsSuffice, serverWords } from '../../src/drivers/edge/haproxy/words.ts'
import { withoutMalformed } from '../../src/drivers/edge/malformed.ts'

const around = { layout: layoutOf('/edge'), ipv6: true, user: 'haproxy' }
const server: EdgeServer = { id: 'g7', address: '10.100.0.7', port: 8080, state: 'ready' }
const site = (rest: Partial<Site> = {}): Site => ({
  ...{ id: 'r1', hosts: ['shop.example.org', '*.shop.example.org'], path: '/', aliases: ['www.example.org'] },
  target: {
    ...{ kind: 'servers', servers: [server], sticky: false, clientAddress: 'proxy' },
    check: { path: '/up' },
  },
  https: 'only',
  limits: {
    ...{ requestsPerSecond: 50, bodyBytes: 1048576, timeoutSeconds: 60, queueSeconds: 10, connectionsPerServer: 100 },
  },
  ...{ compress: true, noindex: ['shop.example.org'], allow: ['192.0.2.0/24', '2001:db8::/32'], deny: ['192.0.2.66'] },
  users: [{ name: 'ann', hash: '$6$salt$abcdefghijklmnop' }],
  maintenance: { retryAfterSeconds: 300, text: 'Back at <noon>' },
  ...rest,
})
const pem = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
const full: EdgeWish = {
  http: [':80'],
  https: [':443', '[2001:db8::1]:8443'],
  sites: [
    site(),
    site({
      ...{ id: 'r2', hosts: ['old.example.org'], path: '/a/b', aliases: [], https: 'both' },
      target: { kind: 'redirect', to: 'https://new.example.org/x%20y', status: 308, keepPath: true },
    }),
    site({
      ...{ id: 'r3', hosts: ['away.example.org'], aliases: [], https: 'off' },
      target: { kind: 'upstream', scheme: 'https', host: 'app.example.net', port: 8443, verify: true },
    }),
  ],
  streams: [
    { id: 't1', match: { kind: 'port', listen: ':5432' }, servers: [server], clientAddress: 'none' },
    { id: 't2', match: { kind: 'passthrough', hosts: ['own.example.org'] }, servers: [server], clientAddress: 'proxy' },
  ],
  certificates: [
    { name: 'farm', names: [], pem },
    { name: 'shop', names: ['shop.example.org', '*.shop.example.org'], pem },
  ],
  tokens: [{ token: 'tok-1_A', answer: 'tok-1_A.thumb' }],
  operators: ['203.0.113.0/24'],
  near: ['127.0.0.0/8', '::/96'],
}

test('the whole configuration of a wish that asks for everything', () => {
  checkWish(full)
  assert.equal(make(full, around).config, readFileSync(new URL('edge-haproxy.conf', import.meta.url), 'utf8'))
})

test('no value of one site or stream stops the others', () => {
  assert.deepEqual(withoutMalformed(full), { wish: full, malformed: [] })
  const [first] = full.sites
  assert.ok(first?.target.kind === 'servers')
  const bad = { ...first, id: 'r0', target: { ...first.target, check: { path: '/up?x=1' } } }
  const again = { ...first, id: 'r9' }
  const port = { id: 't9', match: { kind: 'port', listen: ':80' }, servers: [server], clientAddress: 'none' } as const
  const told = withoutMalformed({ ...full, sites: [bad, ...full.sites, again], streams: [...full.streams, port] })
  assert.deepEqual(told.wish, full)
  assert.deepEqual(
    told.malformed.map(({ id, why }) => `${id} ${why}`),
    [
      'r0 edge: path of a check: "/up?x=1"',
      'r9 edge: route that stands twice: "shop.example.org/"',
      't9 edge: address to listen on that stands twice: ":80"',
    ],
  )
  const spoilt = {
    ...full,
    certificates: [],
    sites: [],
    streams: [{ ...port, id: 'T!', match: { kind: 'passthrough', hosts: ['a.org'] } }],
  }
  const bare = withoutMalformed(spoilt as EdgeWish).wish
  assert.deepEqual([bare.https, bare.streams], [[], []])
  checkWish(bare)
})

test('no value of a wish becomes a word of the configuration', () => {
  const hostile = [
    '\n',
    '\r\nx',
    ' ',
    "'",
    '"',
    '\\',
    '%[src]',
    '#',
    '$HOME',
    '`',
    '{',
    '\0',
    '\u2028',
    '\t',
    '*',
    '/../x',
  ]
  let tried = 0
  for (const path of stringsOf(full)) {
    const text = path.at(-1) === 'text'
    for (const bad of text ? hostile.filter((one) => /[\u0000-\u001f\u2028]/.test(one)) : hostile) {
      for (const spoilt of [`${at(full, path)}${bad}`, `${bad}${at(full, path)}`]) {
        // A PEM is lines, in a file of its own; `*` and `#` are signs of an address of a redirect.
        if (path.at(-1) === 'pem' && /^\s+x?$/.test(bad)) continue
        // Signs of its own, and quoted.
        if (path.at(-1) === 'hash' && /^(\$HOME|\/\.\.\/x)$/.test(bad)) continue
        if (path.at(-1) === 'to' && /^(#|\*|\/\.\.\/x)$/.test(bad) && spoilt.endsWith(bad)) continue
        assert.throws(
          () => checkWish(replaced(full, path, spoilt)),
          { code: 'BAD_VALUE' },
          JSON.stringify([path, spoilt]),
        )
        tried++
      }
    }
  }
  assert.ok(tried > 1000, String(tried))
  assert.doesNotMatch(maintenancePage('<script>"&'), /<script>|""&|"&"/)
})

test('numbers are whole and in their range, and nothing stands twice', () => {
  const [first] = full.sites
  assert.ok(first)
  for (const limits of [
    { timeoutSeconds: 0 },
    { queueSeconds: -1 },
    { bodyBytes: 1.5 },
    { requestsPerSecond: Number.NaN },
  ])
    assert.throws(() => checkWish({ ...full, sites: [{ ...first, limits: { ...first.limits, ...limits } }] }), {
      code: 'BAD_VALUE',
    })
  const twice: Partial<EdgeWish>[] = [
    { sites: [first, first] },
    { sites: [first, site({ id: 'other', aliases: [] })] },
    { http: [':80', ':80'] },
    { http: [':443'] },
    {
      streams: [
        ...full.streams,
        { id: 't3', match: { kind: 'port', listen: ':80' }, servers: [], clientAddress: 'none' },
      ],
    },
    { certificates: [...full.certificates, ...full.certificates] },
    { certificates: [], streams: [] },
  ]
  for (const change of twice)
    assert.throws(() => checkWish({ ...full, ...change }), { code: 'BAD_VALUE' }, JSON.stringify(change))
})

test('what is a word to the process, and what needs new workers', () => {
  const told = (change: Partial<EdgeWish>) => make({ ...full, ...change }, around).told
  const [first, ...others] = full.sites
  assert.ok(first?.target.kind === 'servers')
  const target = { ...first.target, servers: [server, { ...server, id: 'g8' }] }
  const words: Partial<EdgeWish>[] = [
    { sites: [{ ...first, target }, ...others] },
    { sites: [{ ...first, target: { ...target, servers: [] } }, ...others] },
    { sites: [{ ...first, aliases: [], noindex: [], allow: ['10.0.0.1'] }, ...others] },
    { tokens: [] },
    { certificates: full.certificates.slice(0, 1) },
    { operators: [] },
  ]
  for (const change of words) assert.ok(doWordsSuffice(told({}), told(change)), JSON.stringify(change))
  const workers: Partial<EdgeWish>[] = [
    { sites: others },
    { sites: [{ ...first, target: { ...target, sticky: true } }, ...others] },
    { sites: [{ ...first, allow: [] }, ...others] },
    { sites: [{ ...first, maintenance: { retryAfterSeconds: 300, text: 'Later' } }, ...others] },
    { http: [':8080'] },
    { certificates: full.certificates.map((one) => ({ ...one, names: ['x.example.org'] })) },
    { certificates: full.certificates.toReversed() },
  ]
  for (const change of workers) assert.ok(!doWordsSuffice(told({}), told(change)), JSON.stringify(change))
  const renewed = full.certificates.map((one) => ({ ...one, pem: pem.replace('AAAA', 'BBBB') }))
  assert.deepEqual(certificateChange(told({}), told({ certificates: renewed })).renewed, [
    '/edge/certs/farm.pem',
    '/edge/certs/shop.pem',
  ])
})

test('servers: new ones are watched, moved ones told where, gone ones rest before they go', () => {
  const present = (name: string, maintenance = false) => ({
    backend: 'b_r1',
    name,
    address: '10.100.0.7',
    port: 8080,
    maintenance,
  })
  const wish = {
    ...{ options: 'check', waits: true, silent: false },
    servers: [server, { ...server, id: 'g8', address: 'fd00::8' }],
  }
  assert.deepEqual(serverWords('b_r1', wish, [present('s_g7', true), present('s_g9'), present('wait', true)]), [
    'set server b_r1/wait state ready',
    'set server b_r1/s_g7 state ready',
    'add server b_r1/s_g8 [fd00::8]:8080 check',
    'enable health b_r1/s_g8',
    'set server b_r1/s_g8 state ready',
    'set server b_r1/s_g9 state maint',
    'del server b_r1/s_g9',
  ])
  const empty = { ...wish, servers: [] }
  assert.deepEqual(serverWords('b_r1', empty, [present('wait', true)]), [])
  const silent = { ...wish, silent: true, servers: [server] }
  assert.deepEqual(serverWords('b_r1', silent, [present('s_g7'), present('wait')]), [
    'set server b_r1/wait state maint',
  ])
  assert.deepEqual(
    serverWords('b_r1', { ...wish, servers: [{ ...server, port: 81 }] }, [present('s_g7'), present('wait')]),
    ['set server b_r1/s_g7 addr 10.100.0.7 port 81'],
  )
})

test('which servers answer is read, of those that were asked', () => {
  const head = '# be_id be_name srv_name srv_op_state srv_admin_state srv_time_since_last_change srv_check_result'
  const lines = ['b_a s_1 2 0 9 3', 'b_a wait 2 0 9 0', 'b_b s_1 0 0 12 2', 'b_c s_1 2 0 1 0', 't_d s_1 0 0 4 2']
  const more = ['t_d s_2 0 0 7 2', 'b_e s_1 0 0 40 2', 'b_e s_2 2 0 3 3', 'b_f s_1 0 1 4 2', 'tls local 2 0 9 3', 'x']
  const text = ['1', head, ...[...lines, ...more].map((line) => `3 ${line}`)].join('\n')
  assert.deepEqual(Object.fromEntries(parseAnswering(text)), {
    a: { answers: true, seconds: 9 },
    b: { answers: false, seconds: 12 },
    d: { answers: false, seconds: 4 },
    e: { answers: true, seconds: 3 },
  })
})

test('what HAProxy answers is read', () => {
  const processes = `#<PID>          <type>          <reloads>       <uptime>        <version>
1162            master          5 [failed: 0]   0d00h02m07s     2.6
# workers
1271            worker          1               0d00h00m00s     2.6
# old workers
1233            worker          3               0d00h00m43s     2.6
# programs
`
  assert.deepEqual(parseProcesses(processes), { master: 1162, workers: [1271], old: [1233] })
  assert.equal(parseProcesses('Unknown command'), undefined)
  const servers = `1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_port
3 b_r1 1 s_g7 10.100.0.7 2 0 8080
3 b_r1 2 s_g8 10.100.0.8 0 4 8080
`
  assert.deepEqual(
    parseServers(servers).map(({ name, maintenance }) => [name, maintenance]),
    [
      ['s_g7', false],
      ['s_g8', true],
    ],
  )
  const stat = `# pxname,svname,qcur,scur,stot,bin,bout,status,hrsp_4xx,hrsp_5xx,
web,FRONTEND,,1,9,1,1,OPEN,0,0,
b_r1,s_g7,0,0,5,1,2,UP,0,0,
b_r1,s_g8,0,0,0,1,2,DOWN,0,0,
b_r1,wait,0,0,0,1,2,no check,0,0,
b_r1,BACKEND,2,1,7,100,200,UP,3,4,
`
  assert.deepEqual(
    [...parseCounters(stat)],
    [
      [
        'r1',
        {
          requests: 7,
          errors5xx: 4,
          errors4xx: 3,
          bytesIn: 100,
          bytesOut: 200,
          open: 1,
          queued: 2,
          serversUp: 1,
          servers: 2,
        },
      ],
    ],
  )
  assert.equal(
    reasonIn(
      '[NOTICE]   (12) : version\n[ALERT]    (12) : Binding [/edge/haproxy.cfg:38] for frontend web: cannot bind socket (Address in use)\n[ALERT]    (12) : Fatal errors found',
    ),
    'Binding frontend web: cannot bind socket (Address in use)',
  )
})

test('a line of the log is a request, or none', () => {
  const line = '2026-11-21T16:54:04Z 192.0.2.7 r1 shop.example.org GET /a 200 321 111 12 34 s_g7 --'
  assert.deepEqual(parseLine(line), {
    ...{ timeMs: Date.UTC(2026, 10, 21, 16, 54, 4), client: '192.0.2.7', site: 'r1', host: 'shop.example.org' },
    ...{ method: 'GET', path: '/a', status: 200, bytesOut: 321, bytesIn: 111, waitedMs: 12, tookMs: 34, server: 'g7' },
  })
  const refused = parseLine('2026-11-21T16:54:04Z 192.0.2.7 - - <BADREQ> - 400 0 0 -1 0 <NOSRV> CR')
  assert.deepEqual(
    [refused?.site, refused?.host, refused?.server, refused?.waitedMs],
    [undefined, undefined, undefined, 0],
  )
  for (const other of ['Server b_r1/s_g7 is DOWN', '', 'x '.repeat(13).trim()])
    assert.equal(parseLine(other), undefined)
})

type Path = readonly (string | number)[]

function stringsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value === 'string') return [path]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, one]) => stringsOf(one, [...path, key]))
}

const at = (value: unknown, path: Path): unknown =>
  path.reduce<unknown>((found, key) => (found as Record<string | number, unknown>)[key], value)

function replaced(wish: EdgeWish, path: Path, text: string): EdgeWish {
  const copy = structuredClone(wish)
  const holder = at(copy, path.slice(0, -1)) as Record<string | number, unknown>
  holder[path.at(-1) ?? ''] = text
  return copy
}
