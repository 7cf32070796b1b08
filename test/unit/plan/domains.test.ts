import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  certifiedNames,
  claimsOf,
  type Held,
  holderOf,
  isPreview,
  parseRoute,
  previewOf,
  reachesInto,
  twiceIn,
} from '../../../src/plan/domains.ts'

test('a route’s name is a host and a path, or a port', () => {
  assert.deepEqual(parseRoute('shop.example.org'), { kind: 'http', host: 'shop.example.org', path: '/' })
  assert.deepEqual(parseRoute('*.example.org/a/b'), { kind: 'http', host: '*.example.org', path: '/a/b' })
  assert.deepEqual(parseRoute(':5432'), { kind: 'tcp', listen: ':5432', port: 5432 })
  assert.deepEqual(parseRoute('[::1]:70'), { kind: 'tcp', listen: '[::1]:70', port: 70 })
  assert.deepEqual(parseRoute('203.0.113.5:25'), { kind: 'tcp', listen: '203.0.113.5:25', port: 25 })
})

test('host and path are the unit; an alias and TLS that passes through take the host', () => {
  const held: Held[] = [
    { path: '/', as: 'path', route: 'a.org' },
    { path: '/api', as: 'path', route: 'a.org/api' },
  ]
  const path = (at: string) => ({ host: 'a.org', path: at, as: 'path' as const })
  assert.equal(holderOf(path('/other'), held, 'a.org/other'), undefined)
  assert.equal(holderOf(path('/api'), held, 'b.org/api')?.route, 'a.org/api')
  assert.equal(holderOf(path('/api'), held, 'a.org/api'), undefined, 'its own')
  assert.equal(holderOf({ host: 'a.org', path: '/', as: 'whole' }, held, 'b.org')?.route, 'a.org')
  const whole: Held[] = [{ path: '/', as: 'whole', route: 'b.org' }]
  assert.equal(holderOf(path('/api'), whole, 'a.org/api')?.route, 'b.org')
})

test('what a route claims', () => {
  const spec = { names: ['b.org'], aliases: ['www.a.org'] }
  assert.deepEqual(
    claimsOf('a.org/x', { names: ['b.org'] }).map(({ host, path, as }) => `${host} ${path} ${as}`),
    ['a.org /x path', 'b.org /x path'],
  )
  assert.deepEqual(claimsOf(':25', {}), [])
  assert.equal(claimsOf('a.org', { passthrough: true })[0]?.as, 'whole')
  assert.equal(twiceIn(claimsOf('a.org', { ...spec, names: ['www.a.org'] })), 'www.a.org')
  assert.equal(twiceIn(claimsOf('a.org', spec)), undefined)
})

test('no two names have one preview name, and each is a label', () => {
  const parts = ['a', 'b', 'a-b', 'a--b', 'xn--a', 'ab']
  const names = parts.flatMap((one) =>
    parts.flatMap((two) => [`${one}.${two}`, ...parts.map((x) => `${one}.${two}.${x}`)]),
  )
  const previews = names.map((name) => previewOf(name, 'p.net') ?? '')
  assert.equal(new Set(previews).size, new Set(names).size)
  for (const preview of previews) {
    assert.match(preview, /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.p\.net$/)
    // What has two dashes there is read as another script's spelling.
    assert.notEqual(preview.slice(2, 4), '--')
    assert.ok(isPreview(preview, 'p.net'))
  }
  assert.equal(previewOf('shop.example.org', 'p.net'), 'shop-example-org.p.net')
  assert.equal(previewOf('shop-example.org', 'p.net'), 'shop--example-org.p.net')
  assert.equal(previewOf('shop.example.org', undefined), undefined)
  assert.equal(previewOf('*.example.org', 'p.net'), undefined)
  assert.equal(previewOf(`${'a'.repeat(60)}.org`, 'p.net'), undefined, 'it would not fit')
  assert.equal(isPreview('p.net', 'p.net'), false)
  assert.equal(isPreview('a.b.p.net', 'p.net'), false)
})

test('names of a certificate', () => {
  const spec = { names: ['b.org'], aliases: ['www.a.org'] }
  assert.deepEqual(certifiedNames('a.org', spec, 'p.net'), ['a.org', 'b.org', 'www.a.org', 'a-org.p.net'])
  assert.deepEqual(certifiedNames('a.org', { https: 'off' }, 'p.net'), [])
  assert.deepEqual(certifiedNames('a.org', { passthrough: true }, 'p.net'), [])
  assert.deepEqual(certifiedNames(':25', {}, 'p.net'), [])
})

test('a name reaches into another that is the same, above it, or below it as a wildcard', () => {
  const pairs = [
    ['a.org', 'a.org', true],
    ['www.a.org', 'a.org', true],
    ['*.a.org', 'a.org', true],
    ['www.a.org', '*.a.org', true],
    ['*.example.org', 'victim.example.org', true],
    ['*.example.org', '*.victim.example.org', true],
    ['a.org', 'www.a.org', false],
    ['a.org', '*.a.org', false],
    ['ba.org', 'a.org', false],
    ['*.b.org', 'a.org', false],
  ] as const
  for (const [host, other, is] of pairs) assert.equal(reachesInto(host, other), is, `${host} ${other}`)
})
