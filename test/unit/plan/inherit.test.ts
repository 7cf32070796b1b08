/** What is said of a domain holds for its paths, until they say otherwise. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RouteSettings, RouteSpec } from '../../../src/api/edge.ts'
import { planEdge } from '../../../src/plan/edge.ts'
import { inheriting } from '../../../src/plan/inherit.ts'
import { applyRouteChange } from '../../../src/plan/route-change.ts'

type Said = RouteSettings & { readonly users?: readonly string[] }
const target: RouteSpec['target'] = { kind: 'upstream', url: 'http://192.0.2.1' }

/** What holds for each of these routes, `KEY=VALUE of ROUTE`. */
function told(said: Readonly<Record<string, Said>>): Record<string, string> {
  const routes = Object.entries(said).map(([name, more]) => ({ name, spec: { target, ...more } }))
  const effective = inheriting(routes)
  return Object.fromEntries(
    routes.map((route) => {
      const { spec, from } = effective(route)
      const { target: _, names: __, ...settings } = spec
      const text = ([key, value]: [string, unknown]) => {
        const of = (from as Record<string, string>)[key]
        return `${key}=${value}${of === undefined ? '' : ` of ${of}`}`
      }
      return [route.name, Object.entries(settings).map(text).join(' ')]
    }),
  )
}

test('each setting by itself, from the nearest that says it', () => {
  const found = told({
    'a.org': { users: ['ann'], deny: ['192.0.2.0/24'], rate: 5 },
    'a.org/api': { users: ['bob'] },
    'a.org/api/v1': { allow: ['::1'] },
    'a.org/apix': {},
    'a.org/open': { inherit: false },
    'a.org/open/deep': {},
    'b.org/api': {},
    ':5432': {},
  })
  assert.deepEqual(found, {
    'a.org': 'users=ann deny=192.0.2.0/24 rate=5',
    'a.org/api': 'users=bob deny=192.0.2.0/24 of a.org',
    'a.org/api/v1': 'allow=::1 users=bob of a.org/api deny=192.0.2.0/24 of a.org',
    'a.org/apix': 'users=ann of a.org deny=192.0.2.0/24 of a.org',
    'a.org/open': 'inherit=false',
    'a.org/open/deep': '',
    'b.org/api': '',
    ':5432': '',
  })
})

test('maintenance comes with its page, and a path can be out of it', () => {
  const found = told({
    'a.org': { maintenance: true, maintenanceText: 'soon', retryAfter: 60 },
    'a.org/api': {},
    'a.org/live': { maintenance: false },
    'a.org/mine': { maintenance: true },
  })
  assert.equal(found['a.org/api'], 'maintenance=true of a.org maintenanceText=soon retryAfter=60')
  assert.equal(found['a.org/live'], 'maintenance=false')
  assert.equal(found['a.org/mine'], 'maintenance=true')
})

test('whatever serves the domain: a further name, a wildcard; one that is written out goes first', () => {
  const found = told({
    '*.c.org': { users: ['ann'] },
    'x.c.org/api': {},
    'a.org': { names: ['b.org'], users: ['bob'] },
    'b.org/api': {},
    'y.c.org': {},
    'y.c.org/api': {},
  })
  assert.equal(found['x.c.org/api'], 'users=ann of *.c.org')
  assert.equal(found['b.org/api'], 'users=bob of a.org')
  assert.equal(found['y.c.org/api'], '', 'its domain is its own route')
})

test('a change keeps what means something to a path alone', () => {
  const change = (name: string, settings: object) =>
    applyRouteChange(name, { target }, { change: settings as never, target: undefined })
  assert.deepEqual(change('a.org/api', { maintenance: false }), { target, maintenance: false })
  assert.deepEqual(change('a.org/api', { inherit: false }), { target, inherit: false })
  assert.deepEqual(change('a.org/api', { inherit: true }), { target })
  assert.deepEqual(change('a.org', { maintenance: false, inherit: true }), { target })
  assert.throws(() => change('a.org', { inherit: false }), /for a path of a domain/)
  assert.throws(() => change(':5432', { inherit: false }), { code: 'BAD_VALUE' })
})

test('the edge asks for the passwords of the domain, and no others', () => {
  const route = (name: string, more: Said, users: readonly string[] = []) => ({
    ...{ id: name, name, spec: { target, ...more, ...(users.length > 0 ? { users } : {}) } },
    users: users.map((user) => ({ name: user, hash: `$6$${user}$xxxxxxxx` })),
  })
  const routes = [
    route('a.org', { maintenance: true, allow: ['::1'] }, ['ann']),
    route('a.org/api', {}),
    route('a.org/bob', { maintenance: false }, ['bob']),
    route('a.org/open', { inherit: false }),
  ]
  const nothing = { settings: {}, guests: [], sites: [], certificates: [], tokens: [], near: [] }
  const sites = planEdge({ ...nothing, routes }).sites.map(({ path, users, allow, maintenance }) =>
    [path, users.map(({ name, hash }) => name + hash.slice(0, 6)), allow, maintenance !== undefined].join(' '),
  )
  assert.deepEqual(sites, [
    '/ ann$6$ann ::1 true',
    '/api ann$6$ann ::1 true',
    '/bob bob$6$bob ::1 false',
    '/open   false',
  ])
})
