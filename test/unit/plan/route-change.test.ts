import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NewRoute, type RouteAim, RouteChange, type RouteSpec } from '../../../src/api/edge.ts'
import { isCode } from '../../../src/api/errors.ts'
import { addWords, applyRouteChange, assertNoPreview } from '../../../src/plan/route-change.ts'

const aim: RouteAim = { kind: 'guest', number: 1, id: 'x', port: 80 }
const made = (name: string, words: object, target: RouteAim | undefined = aim, before?: RouteSpec): RouteSpec =>
  applyRouteChange(name, before, { change: RouteChange.parse(words), target })
const refused = (act: () => unknown, pattern: RegExp) =>
  assert.throws(
    act,
    (thrown) => (isCode(thrown, 'BAD_VALUE') || isCode(thrown, 'REFUSED')) && pattern.test((thrown as Error).message),
  )

test('words as people type them', () => {
  assert.deepEqual(
    made('a.org', {
      ...{ aliases: 'www.a.org,BÜCHER.example', rate: '50/s', bodyMax: '10M', timeout: '2m', retryAfter: '30s' },
      ...{ maintenance: 'yes', sticky: 'no', deny: '203.0.113.0/24', check: '/up', https: 'both' },
    }),
    {
      ...{ target: aim, aliases: ['www.a.org', 'xn--bcher-kva.example'], https: 'both', check: '/up' },
      ...{
        deny: ['203.0.113.0/24'],
        rate: 50,
        bodyMax: 10 * 1024 ** 2,
        timeout: 120,
        retryAfter: 30,
        maintenance: true,
      },
    },
  )
})

test('an empty word takes back, and what was not said stays', () => {
  const before = made('a.org', { rate: 5, names: 'b.org', maintenance: 'yes', allow: ['10.0.0.0/8'] })
  assert.deepEqual(made('a.org', { rate: '', maintenance: 'no', allow: '' }, undefined, before), {
    target: aim,
    names: ['b.org'],
  })
  assert.deepEqual(made('a.org', { names: null }, { ...aim, port: 81 }, before).target, { ...aim, port: 81 })
})

test('users by name alone, one by one or all away', () => {
  const one = made('a.org', { users: { lark: 'secret', finch: 'other' } })
  assert.deepEqual(one.users, ['finch', 'lark'])
  assert.doesNotMatch(JSON.stringify(one), /secret|other/)
  assert.deepEqual(made('a.org', { users: { lark: null } }, undefined, one).users, ['finch'])
  assert.equal(made('a.org', { anybody: true }, undefined, one).users, undefined)
})

test('what does not go together is refused', () => {
  refused(() => made(':25', { rate: 5 }), /:25 is TCP: rate/)
  refused(() => made(':25', {}, { kind: 'upstream', url: 'http://b.org' }), /guest or a site only/)
  refused(() => made('a.org/x', { passthrough: 'yes' }), /path/)
  refused(() => made('a.org', { passthrough: 'yes', bodyMax: '1M' }), /body-max means nothing/)
  refused(() => made('a.org/x', { aliases: 'www.a.org' }), /not to a path/)
  refused(() => made('*.a.org', { aliases: 'www.a.org' }), /alias/)
  refused(() => made('a.org', { aliases: 'a.org' }), /twice/)
  refused(() => made('a.org', { sticky: 'yes' }, { kind: 'redirect', url: 'https://b.org', status: 301 }), /guests/)
  refused(() => made('a.org', { status: 302 }), /redirect/)
  const many = (at: string) => Array.from({ length: 21 }, (_, n) => `${at}${n}.org`).join(',')
  refused(() => made('a.org', { names: many('n'), aliases: many('m') }), /at most/)
  refused(() => assertNoPreview('x.p.net', {}, 'p.net'), /previews/)
  assertNoPreview('x.y.p.net', {}, 'p.net')
})

test('a route says one of a guest, redirect and upstream, in words that are what they seem', () => {
  for (const bad of [
    ...[{ name: 'a.org' }, { name: 'a.org', to: 'web', redirect: 'https://b.org' }],
    ...[
      'a_b.org',
      'a.org/../x',
      'a.org/x?y',
      'a..org',
      '-a.org',
      'a.org\n',
      'http://a.org',
      '*',
      '*.*.org',
      '.org',
      ':0',
      ':70000',
      'a.org/*',
    ].map((name) => ({ name, to: 'web' })),
    ...['web:0', 'web:x', 'web:80:80', 'a.b:80', '*:80', 'web:-1', 'ls'].map((to) => ({ name: 'a.org', to })),
    ...[
      'ftp://b.org',
      'https://u:p@b.org',
      'https://b.org/ x',
      'https://b.org/"',
      'javascript:alert(1)',
      'https://',
      'https://b..org',
    ].map((redirect) => ({ name: 'a.org', redirect })),
    { name: 'a.org', upstream: 'https://b.org/path' },
    { name: 'a.org', to: 'web', maintenanceText: 'a\nb' },
    { name: 'a.org', to: 'web', users: { 'a:b': 'x' } },
    { name: 'a.org', to: 'web', users: { lark: 'a\nb' } },
    { name: 'a.org', to: 'web', check: '/../x' },
  ])
    assert.equal(NewRoute.safeParse(bad).success, false, JSON.stringify(bad))
  assert.equal(NewRoute.parse({ name: 'Shop.Example.ORG/', to: 'web' }).name, 'shop.example.org')
})

test('a route as the words that make it', () => {
  const guest: RouteSpec['target'] = { kind: 'guest', number: 1, id: 'x', port: 8080 }
  const words = (spec: Partial<RouteSpec>, name?: string) => addWords('a.org', { target: guest, ...spec }, name)
  assert.equal(words({}), 'a.org GUEST:8080')
  const said = {
    names: ['b.org', 'c.org'],
    maintenanceText: 'Back at "noon"',
    bodyMax: 1024,
    sticky: true,
    users: ['ann', 'bob'],
  }
  const text =
    'a.org web:8080 names=b.org,c.org maintenance-text="Back at \\"noon\\"" body-max=1024 sticky=yes user=ann user=bob'
  assert.equal(words(said, 'web'), text)
  assert.equal(
    words({ target: { kind: 'redirect', url: 'https://b.org', status: 308 } }),
    'a.org --redirect https://b.org status=308',
  )
  assert.equal(
    words({ target: { kind: 'upstream', url: 'https://b.org', near: true }, maintenance: false }),
    'a.org --upstream https://b.org maintenance=no',
  )
})
