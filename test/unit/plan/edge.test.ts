import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RouteSpec } from '../../../src/api/edge.ts'
import { type EdgeGuest, type EdgeInput, type PlannedRoute, planEdge } from '../../../src/plan/edge.ts'
import { routeState } from '../../../src/plan/route-state.ts'

const guest = (number: number, more: Partial<EdgeGuest> = {}): EdgeGuest => ({
  ...{ number, id: `id-${number}`, name: `g${number}`, address: `10.100.0.${number}` },
  ...{ run: 'running', state: 'running' },
  ...more,
})
const to = (number: number, port = 80): RouteSpec => ({
  target: { kind: 'guest', number, id: `id-${number}`, port },
})
const route = (name: string, spec: RouteSpec, id = `route-${name}`): PlannedRoute => ({ name, id, spec, users: [] })
const input = (more: Partial<EdgeInput>): EdgeInput => ({
  ...{ settings: {}, routes: [], guests: [], sites: [], certificates: [], tokens: [], near: [] },
  ...more,
})
const pem = { name: 'farm-a.org', names: ['a.org'], pem: 'key and chain' }

test('a route to a guest is a site with one server, by its number and id', () => {
  const wish = planEdge(
    input({
      routes: [route('a.org', to(1, 8080))],
      guests: [guest(1)],
      certificates: [pem],
      settings: { http: [':81'] },
    }),
  )
  assert.deepEqual([wish.http, wish.https], [[':81'], [':443']])
  const [site] = wish.sites
  assert.deepEqual(site?.hosts, ['a.org'])
  assert.equal(site?.https, 'only')
  assert.deepEqual(site?.target, {
    kind: 'servers',
    servers: [{ id: 'id1', address: '10.100.0.1', port: 8080, state: 'ready' }],
    ...{ sticky: false, clientAddress: 'headers' },
  })
  assert.deepEqual(site?.limits, { timeoutSeconds: 60, queueSeconds: 10 })
})

test('a path of a domain is the same path of its further names, but where another route has that', () => {
  const routes = [
    route('a.org', { ...to(1), names: ['b.org', 'c.org'] }),
    route('a.org/admin', to(2)),
    route('c.org/admin', to(3)),
  ]
  const { sites } = planEdge(input({ routes, guests: [guest(1), guest(2), guest(3)] }))
  assert.deepEqual(
    sites.map(({ path, hosts }) => `${path} ${hosts.join(' ')}`),
    ['/ a.org b.org c.org', '/admin a.org b.org', '/admin c.org'],
  )
})

test('who names no site is shown the certificate of the oldest route, whatever others are called', () => {
  const named = (name: string, ...names: string[]) => ({ name, names, pem: 'key and chain' })
  const added = (name: string, created: string) => ({ ...route(name, to(1)), created })
  const first = (...more: PlannedRoute[]) =>
    planEdge(
      input({
        routes: [added('m.org', '2026-01-02'), ...more],
        certificates: [
          named('acme-a.org', 'a.org'),
          named('farm-0.org', '0.org'),
          named('farm-m.org', 'm.org', 'z.org'),
        ],
      }),
    ).certificates.map(({ name }) => name)
  assert.deepEqual(first(added('a.org', '2026-01-03'), added('0.org', '2026-01-04')), [
    ...['farm-m.org', 'acme-a.org', 'farm-0.org'],
  ])
  assert.equal(first(added('0.org', '2026-01-01'))[0], 'farm-0.org')
  assert.equal(first(added(':25', '2026-01-01'))[0], 'farm-m.org')
})

test('without routes nothing is heard; without a certificate nothing on https', () => {
  assert.deepEqual([planEdge(input({})).http, planEdge(input({})).https], [[], []])
  const wish = planEdge(input({ routes: [route('a.org', to(1))], guests: [guest(1)] }))
  assert.deepEqual([wish.http, wish.https], [[':80'], []])
})

test('who is asked, and what is said of it', () => {
  const told: [Partial<EdgeGuest> | undefined, number, string, RegExp?][] = [
    [{}, 1, 'serves'],
    [{ state: 'starting' }, 1, 'waits', /"g1" is starting/],
    [{ state: 'waits' }, 1, 'waits', /waits/],
    [{ state: undefined }, 1, 'waits', /creating/],
    [{ state: 'frozen' }, 1, 'waits', /frozen/],
    [{ run: 'stopped', state: 'running' }, 0, 'no-target', /is stopped/],
    [{ state: 'failed' }, 0, 'no-target', /failed/],
    [{ state: 'removing' }, 0, 'no-target', /removed/],
    [{ id: 'another' }, 0, 'no-target', /is gone/],
    [undefined, 0, 'no-target', /is gone/],
  ]
  for (const [more, servers, state, reason] of told) {
    const guests = more ? [guest(1, more)] : []
    const target = planEdge(input({ routes: [route('a.org', to(1))], guests })).sites[0]?.target
    assert.ok(target?.kind === 'servers')
    assert.equal(target.servers.length, servers, JSON.stringify(more))
    const found = routeState(to(1), input({ guests }))
    assert.equal(found.state, state, JSON.stringify(more))
    assert.match(found.reason ?? '', reason ?? /^$/)
  }
  assert.equal(routeState({ ...to(1), maintenance: true }, input({ guests: [guest(1)] })).state, 'maintenance')
  assert.equal(routeState({ ...to(1), maintenance: true }, input({})).state, 'no-target')
})

test('redirects and other servers', () => {
  const target = (spec: RouteSpec['target']) =>
    planEdge(input({ routes: [route('a.org', { target: spec })] })).sites[0]?.target
  const redirect = (url: string) => target({ kind: 'redirect', url, status: 301 })
  assert.deepEqual(redirect('https://b.org/'), { kind: 'redirect', to: 'https://b.org', status: 301, keepPath: true })
  assert.deepEqual(redirect('https://b.org/x'), {
    kind: 'redirect',
    to: 'https://b.org/x',
    status: 301,
    keepPath: false,
  })
  assert.deepEqual(target({ kind: 'upstream', url: 'https://b.org' }), {
    ...{ kind: 'upstream', scheme: 'https', host: 'b.org', port: 443, verify: true },
  })
  assert.deepEqual(target({ kind: 'upstream', url: 'http://[2001:db8::1]:81' }), {
    ...{ kind: 'upstream', scheme: 'http', host: 'a.org', address: '2001:db8::1', port: 81, verify: false },
  })
})

test('a preview is not indexed, and gives way to who has its name', () => {
  const settings = { previewDomain: 'p.net' }
  const [site] = planEdge(input({ settings, routes: [route('a.org', to(1))] })).sites
  assert.deepEqual([site?.hosts, site?.noindex], [['a.org', 'a-org.p.net'], ['a-org.p.net']])
  const sites = planEdge(input({ settings, routes: [route('a.org', to(1)), route('a-org.p.net', to(2))] })).sites
  assert.equal(sites.flatMap(({ hosts }) => hosts).filter((host) => host === 'a-org.p.net').length, 1)
  assert.deepEqual(sites.find(({ id }) => id === 'routeaorg')?.hosts, ['a.org'])
})

test('TCP and TLS that passes through are streams', () => {
  const wish = planEdge(
    input({
      routes: [route(':5432', to(1, 5432)), route('m.org', { ...to(1, 443), passthrough: true })],
      guests: [guest(1)],
    }),
  )
  assert.deepEqual(
    wish.streams.map(({ match }) => match),
    [
      { kind: 'port', listen: ':5432' },
      { kind: 'passthrough', hosts: ['m.org'] },
    ],
  )
  assert.deepEqual([wish.sites.length, wish.https], [0, [':443']])
})

/** The same numbers each time. */
function dice(seed: number): (sides: number) => number {
  let state = seed
  return (sides) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * sides)
  }
}

test('any set of routes: a host and path is of one site, and the order of records plays no role', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const roll = dice(seed)
    const names = new Set<string>()
    while (names.size < 6) {
      const host = ['a.org', 'b-c.org', 'b.c.org', 'b--c-org.p.net', '*.org.net', `x${roll(4)}.org`][roll(6)] ?? ''
      names.add(host + (['', '/api', '/api/v2'][roll(3)] ?? ''))
    }
    const routes = [...names].map((name, index) =>
      route(
        name,
        { ...to(roll(4)), ...(roll(4) === 0 ? { maintenance: true, noindex: true } : {}) },
        `ID ${index}-${'é'.repeat(50)}`,
      ),
    )
    const guests = [0, 1, 2].map((number) => guest(number))
    const settings = { previewDomain: 'p.net' }
    const certificates = [pem, { ...pem, name: 'acme-b' }]
    const tokens = [
      { token: 't2', answer: 'a' },
      { token: 't1', answer: 'b' },
    ]
    const near = ['127.0.0.0/8']
    const wish = planEdge({ settings, routes, sites: [], guests, certificates, tokens, near })
    const served = wish.sites.flatMap(({ hosts, path }) => hosts.map((host) => `${host}${path}`))
    assert.equal(new Set(served).size, served.length, `seed ${seed}: ${served}`)
    for (const name of names) assert.ok(served.includes(name.includes('/') ? name : `${name}/`), name)
    for (const { id, hosts, path } of wish.sites) {
      assert.match(id, /^[a-z0-9]{1,40}$/)
      assert.match(path, /^\/[a-z0-9/]*$/)
      for (const host of hosts) assert.match(host, /^(\*\.)?[a-z0-9.-]{4,253}$/)
    }
    const turned = <T>(list: readonly T[]): T[] => list.toReversed()
    const again = planEdge({
      ...{ settings, sites: [], near },
      ...{ routes: turned(routes), guests: turned(guests), certificates: turned(certificates), tokens: turned(tokens) },
    })
    assert.deepEqual(again, wish)
  }
})
