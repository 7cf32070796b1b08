/** Applications, sites, their configuration and secrets, against a fake daemon: what is sent, printed and refused. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Instance, Site } from '../../../../src/api/site.ts'
import { partNames } from '../../../../src/cli/commands/guest/logs.ts'
import { type Asked, croft, type FakeDaemon, fakeDaemon } from '../fake-daemon.ts'

const instance = (slot: number, state: Instance['state'], more: Partial<Instance> = {}): Instance => ({
  ...{ name: `shop/prod/${slot}`, site: 'shop/prod', number: slot, release: 'shop:v1', state, host: 'ash' },
  ...{ ipv4: `10.100.0.${slot}`, created: '2026-01-02T03:00:00Z', ...more },
})
const site = (more: Partial<Site> = {}): Site => ({
  ...{ name: 'shop/prod', app: 'shop', stage: 'prod', revision: 41, created: '2026-01-02T03:00:00Z' },
  ...{ release: 'shop:v1', run: 'running', state: 'serves', count: 2, size: null, domains: ['shop.example.org'] },
  ...{ instances: [instance(1, 'ready'), instance(2, 'ready')], rollout: null, ...more },
})
const sent = ({ method, path, body }: Asked) => [method, decodeURIComponent(path), body]
const accepted = { operation: null, result: null }
const changesOf = ({ asked }: FakeDaemon): Asked[] => asked.filter(({ method }) => method !== 'GET')

test('a site is shown with its instances and why it does not serve, whichever way it is pointed at', async () => {
  const reason = '1 of 2 instances answer'
  const instances = [instance(1, 'ready'), instance(2, 'unhealthy', { reason: 'GET /up answered 500\nmore' })]
  await using daemon = await fakeDaemon(({ path }) => {
    const shown = site({ state: 'degraded', reason, instances })
    return { value: path === '/v1/sites' ? [shown] : shown }
  })
  const ran = await croft(['show', 'shop/prod'], daemon)
  assert.match(ran.out, /state +▲ degraded\n.*reason +1 of 2 instances answer\n/s)
  assert.match(ran.out, /ready +1\/2\n/)
  assert.match(ran.out, /shop\/prod\/2 {2}unhealthy {2}10\.100\.0\.2 {2}shop:v1 {2}GET \/up answered 500\n/)
  assert.equal((await croft(['site', 'show', 'shop/prod'], daemon)).out, ran.out)
  const listed = await croft(['ls', 'sites'], daemon)
  assert.match(listed.out, /^NAME +STATE +RELEASE +READY +DOMAINS +REASON\nshop\/prod +▲ degraded +shop:v1 +1\/2 /)
  assert.equal((await croft(['site'], daemon)).out, listed.out)
})

test('the first screen shows sites that need somebody before all others, and no more than fit', async () => {
  const now = (name: string, state: string, ready = 2) => ({ name, state, ready, count: 2, release: 'shop:v1' })
  const others = Array.from({ length: 20 }, (_, at) => now(`shop/s${at}`, 'serves'))
  const sites = [...others, now('shop/prod', 'down', 0), now('blog/new', 'empty', 0)]
  const attention = [{ what: 'shop/prod', why: '0 of 2 instances answer', do: 'croft site show shop/prod' }]
  const status = {
    ...{ farm: { name: 'meadow' }, host: 'ash', version: '1', store: { kind: 'sqlite', revision: 7, ok: true } },
    ...{ guests: {}, pressure: null, attention, sites },
  }
  await using daemon = await fakeDaemon(() => ({ value: status }))
  const { out } = await croft(['status'], daemon)
  const lines = out.split('\n')
  const at = lines.findIndex((line) => line.startsWith('SITE'))
  assert.match(lines[at + 1] ?? '', /^shop\/prod {2}✗ down: 0 of 2 instances answer {2}croft site show shop\/prod$/)
  assert.match(lines[at + 2] ?? '', /^shop\/s0 +● serves 2 of 2 {2}shop:v1 +–$/)
  assert.deepEqual(lines.slice(at + 13), ['and 10 more: croft site ls', ''])
  await using quiet = await fakeDaemon(() => ({
    value: { ...status, attention: [], sites: [now('blog/new', 'empty', 0)] },
  }))
  assert.match((await croft(['status'], quiet)).out, /\nblog\/new {2}○ empty {2}–\n✓ nothing needs you\n$/)
})

test('a site that goes asks for its name; its data only when that is said', async () => {
  await using daemon = await fakeDaemon(({ method }) => ({ value: method === 'GET' ? site() : accepted }))
  assert.equal((await croft(['rm', 'shop/prod'], daemon)).code, 4)
  const asked = await croft(['rm', 'shop/prod'], { ...daemon, tty: true, typed: ['shop/prod'] })
  assert.match(asked.err, /this removes shop\/prod, configuration and secrets\. Type shop\/prod to go on/)
  await croft(['site', 'rm', 'shop/prod', '-y', '--discard-data'], daemon)
  const deletes = daemon.asked.filter(({ method }) => method === 'DELETE')
  assert.deepEqual(
    deletes.map(({ query }) => query.get('discardData')),
    [null, '1'],
  )
})

test('settings are sent as typed, for the site or a part of it; what sets nothing is not sent', async () => {
  await using daemon = await fakeDaemon(() => ({ value: accepted }))
  const ran = await croft(['config', 'set', 'shop/prod', 'env.A=x=y', 'instances.count=3'], daemon)
  assert.deepEqual(ran, {
    code: 0,
    out: '✓ shop/prod: env.A instances.count is set, from the next deploy on\n',
    err: '  croft config apply shop/prod\n',
  })
  await croft(['set', 'config', 'shop/prod', 'env.A=', '--instance', '2'], daemon)
  await croft(['config', 'unset', 'shop/prod', 'env.A', '--host', 'ash'], daemon)
  assert.deepEqual(changesOf(daemon).map(sent), [
    ['PATCH', '/v1/sites/shop/prod/config', { set: { 'env.A': 'x=y', 'instances.count': '3' } }],
    ['PATCH', '/v1/sites/shop/prod/config', { set: { 'env.A': '' }, instance: '2' }],
    ['PATCH', '/v1/sites/shop/prod/config', { unset: ['env.A'], host: 'ash' }],
  ])
  for (const words of [['env.A'], ['=x'], [], ['env.A=x', '--instance', '1', '--host', 'ash']])
    assert.equal((await croft(['config', 'set', 'shop/prod', ...words], daemon)).code, 2, words.join(' '))
  assert.equal(changesOf(daemon).length, 3)
})

test('what is set is explained, and what the next deploy would change is an exit code', async () => {
  const origin = { layer: 'stage', from: 'croft config set', by: 'lark', at: '2026-01-02T03:00:00Z' }
  const values = [
    { path: 'env.A', value: 'x', origin },
    { path: 'route.domains', value: ['a.org', 'b.org'], origin: { layer: 'app', from: 'croft.toml of shop:v1' } },
    { path: 'daemon.web.user', value: 'app' },
  ]
  const differs = [{ path: 'env.A', now: null, next: 'x', origin }]
  await using daemon = await fakeDaemon(({ path }) => ({
    value: path.endsWith('/diff') ? differs : { site: 'shop/prod', release: 'shop:v1', revision: 7, values },
  }))
  const { out } = await croft(['config', 'show', 'shop/prod', '--explain'], daemon)
  const lines = out
    .trimEnd()
    .split('\n')
    .map((line) => line.trimEnd().replace(/ {2,}/g, '|'))
  assert.deepEqual(lines, [
    'SETTING|VALUE|LAYER|FROM|BY|AGE',
    'env.A|x|stage|croft config set|lark|4m',
    'route.domains|a.org,b.org|app|croft.toml of shop:v1|–|–',
    'daemon.web.user|app|–|croft itself|–|–',
  ])
  assert.match((await croft(['config', 'show', 'shop/prod'], daemon)).out, /^SETTING +VALUE\n/)
  assert.equal((await croft(['config', 'diff', 'shop/prod'], daemon)).code, 0)
  assert.equal((await croft(['config', 'diff', 'shop/prod', 'shop:v2', '--exit-code'], daemon)).code, 10)
  assert.equal(daemon.asked.at(-1)?.query.get('release'), 'shop:v2')
})

test('what is set can be deployed at once; what of all sites is not deployed yet is listed', async () => {
  const differs = [{ path: 'env.A', now: null, next: 'x' }]
  const sites = [site(), site({ name: 'blog/prod', release: null })]
  await using daemon = await fakeDaemon(({ path, method }) => {
    if (method !== 'GET') return { value: accepted }
    if (path === '/v1/sites/blog%2Fprod') return { value: site({ name: 'blog/prod', release: null }) }
    return { value: path.endsWith('/diff') ? differs : path === '/v1/sites' ? sites : site() }
  })
  const ran = await croft(['config', 'set', 'shop/prod', 'env.A=x', '--deploy'], daemon)
  assert.match(ran.out, /^✓ shop\/prod 2 of 2 healthy/)
  assert.deepEqual(daemon.asked.slice(0, 2).map(sent), [
    ['PATCH', '/v1/sites/shop/prod/config', { set: { 'env.A': 'x' } }],
    ['POST', '/v1/sites/shop/prod/deploy', { queue: true }],
  ])
  const before = await croft(['config', 'set', 'blog/prod', 'env.A=x'], daemon)
  assert.match(before.err, /croft deploy blog\/prod/)
  await croft(['config', 'apply', 'shop/prod'], daemon)
  assert.deepEqual(changesOf(daemon).map(sent).at(-1), ['POST', '/v1/sites/shop/prod/deploy', { queue: true }])
  const changed = await croft(['config', 'changed', '--exit-code'], daemon)
  assert.deepEqual(
    [changed.code, changed.out],
    [10, 'SITE       SETTING  NOW  NEXT  FROM\nshop/prod  env.A    –    x     –\n'],
  )
})

test('a secret comes from stdin or is typed unseen; on the command line it is refused and not repeated', async () => {
  await using daemon = await fakeDaemon(() => ({ value: accepted }))
  const set = ['secret', 'set', 'shop/prod', 'DB_PASSWORD']
  await croft(set, { ...daemon, stdin: 'one\ntwo\n\n' })
  await croft(set, { ...daemon, tty: true, typed: ['typed'] })
  assert.deepEqual(changesOf(daemon).map(sent), [
    ['PUT', '/v1/sites/shop/prod/secrets/DB_PASSWORD', { value: 'one\ntwo\n' }],
    ['PUT', '/v1/sites/shop/prod/secrets/DB_PASSWORD', { value: 'typed' }],
  ])
  for (const words of [
    [...set, 'hunter2'],
    [...set.slice(0, 3), 'DB_PASSWORD=hunter2'],
  ]) {
    const ran = await croft(words, daemon)
    assert.deepEqual([ran.code, /hunter2/.test(ran.out + ran.err)], [2, false])
  }
  for (const stdin of ['', '\n', 'a\ufffdb']) assert.equal((await croft(set, { ...daemon, stdin })).code, 2)
  assert.equal(changesOf(daemon).length, 2)
})

test('a glob names several releases; one like none is refused', async () => {
  const releases = ['shop:v1', 'shop:v2', 'blog:v1'].map((ref) => ({ ref }))
  await using daemon = await fakeDaemon(({ method }) => ({ value: method === 'GET' ? releases : accepted }))
  await croft(['release', 'rm', 'shop:*', '-y'], daemon)
  const gone = daemon.asked.filter(({ method }) => method === 'DELETE').map(({ path }) => decodeURIComponent(path))
  assert.deepEqual(gone.sort(), ['/v1/releases/shop:v1', '/v1/releases/shop:v2'])
  assert.equal((await croft(['release', 'rm', 'pkg:*', '-y'], daemon)).code, 3)
})

test('daemons and jobs of an instance are known by their units', () => {
  assert.deepEqual(partNames(['app-web.service  enabled enabled', 'job-a.service static -', ''], 'app-'), ['web'])
})

test('history and revert know what is meant by the shape of a name', async () => {
  await using daemon = await fakeDaemon(() => ({ value: [] }))
  for (const words of [
    ['shop/prod'],
    ['config', 'shop/prod'],
    ['guest/web'],
    ['shop/prod/2'],
    ['secret', 'shop/prod/KEY'],
  ])
    await croft(['history', ...words], daemon)
  const asked = daemon.asked.filter(({ path }) => path === '/v1/history')
  assert.deepEqual(
    asked.map(({ query }) => `${query.get('kind')} ${query.get('name')}`),
    [
      'site shop/prod',
      'config shop/prod',
      'config shop/prod',
      'guest web',
      'guest shop/prod/2',
      'secret shop/prod/KEY',
    ],
  )
  await croft(['config', 'revert', 'shop/prod', '41'], daemon)
  assert.deepEqual(changesOf(daemon).at(-1)?.body, { kind: 'config', name: 'shop/prod', revision: 41 })
})
