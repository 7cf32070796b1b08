import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { distance, nearest } from '../../../../src/api/nearest.ts'
import { globMatches, isRoute, parsePoint } from '../../../../src/cli/words/point.ts'
import { parsePort, parsePortRef, portText } from '../../../../src/cli/words/ports.ts'

test('one way to point at a thing', () => {
  const shapes: readonly [word: string, kind: string][] = [
    ['web', 'guest'],
    ['web@monday', 'snapshot'],
    ['web:/etc/hosts', 'file'],
    ['debian:12', 'template'],
    ['web*', 'glob'],
    ['shop/prod', 'site'],
    ['shop/prod/2', 'instance'],
  ]
  for (const [word, kind] of shapes) assert.equal(parsePoint(word).kind, kind, word)
})

test('a domain is a route, with a path or without; so is a port', () => {
  for (const word of [
    'shop.example.org',
    'shop.example.org/api',
    '*.example.org',
    ':5432',
    '203.0.113.5:5432',
    '[::1]:80',
  ])
    assert.ok(isRoute(word), word)
  for (const word of [
    'web',
    'shop/prod',
    'shop/prod/2',
    'web@a.b',
    'debian:12',
    'ubuntu:24.04',
    'shop:v1.2',
    'web*',
    'guest/a.b',
  ])
    assert.ok(!isRoute(word), word)
})

test('globs match as their plain translation does', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 })
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 6 })
  fc.assert(
    fc.property(pattern, letters, (glob, name) => {
      const plain = new RegExp(`^${glob.replaceAll('*', '.*').replaceAll('?', '.')}$`)
      assert.equal(globMatches(glob, name), plain.test(name), `${glob} ${name}`)
    }),
  )
})

test('suggestions: near, and not too far', () => {
  assert.equal(distance('strat', 'start'), 1)
  assert.equal(nearest('strat', ['stop', 'start', 'status']), 'start')
  assert.equal(nearest('xyzzy', ['stop', 'start']), undefined)
  assert.equal(nearest('temp', ['template', 'top']), 'template')
})

test('ports there and back', () => {
  for (const text of ['8080:80/tcp', '53:5353/udp', '203.0.113.7:8080:80/tcp', '[2001:db8::1]:53:53/udp']) {
    assert.equal(portText(parsePort(text)), text)
  }
  assert.deepEqual(parsePortRef('53/udp'), { protocol: 'udp', hostPort: 53 })
  assert.deepEqual(parsePortRef('8080:80'), { protocol: 'tcp', hostPort: 8080 })
  for (const bad of ['', '80', 'a:b', '8080:80/icmp', '1:2:3:4']) assert.throws(() => parsePort(bad), bad)
})
