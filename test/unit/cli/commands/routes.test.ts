/** Routes as commands: what is sent, what is printed, and where a password comes from. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EdgeRoute } from '../../../../src/api/edge.ts'
import { croft, fakeDaemon } from '../fake-daemon.ts'

const route = (more: Partial<EdgeRoute> = {}): EdgeRoute => ({
  ...{ name: 'shop.example.org', id: 'r1', revision: 7, kind: 'guest', target: 'web:8080', state: 'serves', users: [] },
  certificate: { kind: 'acme', expires: '2027-02-19T00:00:00.000Z' },
  ...{ requests: 12, created: '2026-11-21T12:00:00.000Z', by: 'root' },
  ...more,
})
const answering = (more: Partial<EdgeRoute> = {}) =>
  fakeDaemon(({ method, path }) =>
    method !== 'GET'
      ? { value: { operation: null, result: route(more) } }
      : { value: path === '/v1/routes' ? { items: [route(more)] } : route(more) },
  )

test('words go as they are typed', async () => {
  await using daemon = await answering()
  const added = await croft(
    ['route', 'add', 'shop.example.org', 'web:8080', 'body-max=10M', 'aliases=a.org,b.org'],
    daemon,
  )
  assert.deepEqual([added.code, added.out], [0, '✓ shop.example.org → web:8080\n'])
  await croft(['route', 'add', 'old.example.org', '--redirect', 'https://shop.example.org'], daemon)
  await croft(['route', 'set', 'shop.example.org/api', 'maintenance=yes', 'retry-after='], daemon)
  await croft(['route', 'rm', ':5432'], daemon)
  await croft(['farm', 'set', 'edge-https=:8443', 'preview-domain='], daemon)
  assert.deepEqual(
    daemon.asked.map(({ method, path, body }) => [method, path, body]),
    [
      ['POST', '/v1/routes', { name: 'shop.example.org', bodyMax: '10M', aliases: 'a.org,b.org', to: 'web:8080' }],
      ['POST', '/v1/routes', { name: 'old.example.org', redirect: 'https://shop.example.org' }],
      ['PATCH', '/v1/routes/shop.example.org%2Fapi', { maintenance: 'yes', retryAfter: '' }],
      ['DELETE', '/v1/routes/%3A5432', undefined],
      ['PATCH', '/v1/farm', { edge: { https: ':8443', previewDomain: '' } }],
    ],
  )
})

test('a route leads to one place', async () => {
  await using daemon = await answering()
  for (const words of [
    [],
    ['web', '--redirect', 'https://a.org'],
    ['upstream=https://a.org', 'redirect=https://b.org'],
  ])
    assert.equal((await croft(['route', 'add', 'shop.example.org', ...words], daemon)).code, 2, words.join(' '))
  assert.equal((await croft(['route', 'set', 'shop.example.org'], daemon)).code, 2)
  assert.deepEqual(daemon.asked, [])
})

test('passwords come by stdin or unseen, one for each user, and never as words', async () => {
  await using daemon = await answering()
  const set = ['route', 'set', 'shop.example.org']
  await croft([...set, 'user=lark', 'user=-wren', 'user=finch'], { ...daemon, stdin: 'one\ntwo\nthree\n' })
  const typed = await croft([...set, 'user=lark'], { ...daemon, tty: true, typed: ['secret'] })
  assert.match(typed.err, /password of lark: /)
  assert.doesNotMatch(typed.out + typed.err, /secret/)
  await croft([...set, 'user='], daemon)
  assert.deepEqual(
    daemon.asked.map(({ body }) => body),
    [{ users: { wren: null, lark: 'one', finch: 'two' } }, { users: { lark: 'secret' } }, { users: {}, anybody: true }],
  )
  const none = await croft([...set, 'user=lark'], { ...daemon, stdin: '' })
  assert.deepEqual([none.code, /a password of lark is wanted/.test(none.err)], [2, true])
  assert.equal(daemon.asked.length, 3)
})

test('what does not serve says why', async () => {
  await using daemon = await answering({ state: 'no-target', reason: 'guest "web" is stopped', certificate: null })
  const set = await croft(['route', 'set', 'shop.example.org', 'rate=5'], daemon)
  assert.match(set.out, /has no target: guest "web" is stopped/)
  const listed = await croft(['route', 'ls'], daemon)
  assert.match(listed.out, /shop\.example\.org +✗ no-target +web:8080 +– +12 +guest "web" is stopped/)
  assert.match((await croft(['route', 'show', 'shop.example.org'], daemon)).out, /reason +guest "web" is stopped/)
})
