/** `croft deploy` and its kin, against a fake daemon: what is understood, what is refused before a build, what is hinted at. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Operation } from '../../../../src/api/resources.ts'
import type { Site } from '../../../../src/api/site.ts'
import { type Asked, croft, fakeDaemon } from '../fake-daemon.ts'

const site = (more: object = {}): Partial<Site> => ({
  ...{ name: 'shop/prod', app: 'shop', stage: 'prod', release: 'shop:v2', run: 'running', state: 'serves', count: 2 },
  ...{ domains: [], instances: [], ...more },
})
const way = (from: string | null, to: string) => site({ rollout: { from, to, state: 'done' } })
const operation = (state: Operation['state']) => ({
  ...{ id: 'op1', verb: 'build', target: { kind: 'app', name: 'shop' }, by: 'root', state, started: '', log: [] },
})
const accepted = { operation: null, result: null }
const sent = ({ method, path, body }: Asked) => [method, decodeURIComponent(path), body]
const hintOf = ({ err }: { err: string }): string => err.trim()

test('the version may be named as it is printed, and the app alone is its only site', async () => {
  const sites = [
    site({ name: 'shop/test', stage: 'test' }),
    site({ name: 'blog/a', app: 'blog' }),
    site({ app: 'blog' }),
  ]
  await using daemon = await fakeDaemon(({ method, path }) => ({
    value: method !== 'GET' ? accepted : path === '/v1/sites' ? sites : site(),
  }))
  for (const words of [
    ['shop/prod', 'shop:v1'],
    ['shop', 'v1'],
    ['blog', 'blog:v1'],
    ['wiki', 'shop:v1'],
  ])
    await croft(['deploy', ...words], daemon)
  await croft(['rollback', 'shop/prod', 'shop:v1'], daemon)
  await croft(['rollback', 'shop/prod', '--code-only'], daemon)
  assert.deepEqual(daemon.asked.filter(({ method }) => method === 'POST').map(sent), [
    ['POST', '/v1/sites/shop/prod/deploy', { version: 'v1', queue: true }],
    ['POST', '/v1/sites/shop/test/deploy', { version: 'v1', queue: true }],
    ['POST', '/v1/sites/blog/prod/deploy', { version: 'v1', queue: true }],
    ['POST', '/v1/sites/wiki/prod/deploy', { version: 'shop:v1', queue: true }],
    ['POST', '/v1/sites/shop/prod/deploy', { back: true, version: 'v1', queue: true }],
    ['POST', '/v1/sites/shop/prod/deploy', { back: true, codeOnly: true, queue: true }],
  ])
})

test('rollback and config apply take an app alone for its only site, and name them when there are several', async () => {
  const sites = [
    site({ name: 'shop/test' }),
    site({ name: 'blog/a', app: 'blog' }),
    site({ name: 'blog/b', app: 'blog' }),
  ]
  await using daemon = await fakeDaemon(({ method, path }) => ({
    value: method !== 'GET' ? accepted : path === '/v1/sites' ? sites : site(),
  }))
  await croft(['rollback', 'shop'], daemon)
  await croft(['config', 'apply', 'shop'], daemon)
  assert.deepEqual(daemon.asked.filter(({ method }) => method === 'POST').map(sent), [
    ['POST', '/v1/sites/shop/test/deploy', { back: true, queue: true }],
    ['POST', '/v1/sites/shop/test/deploy', { queue: true }],
  ])
  const several = await croft(['rollback', 'blog'], daemon)
  assert.match(several.err, /which site of blog\? There are blog\/a, blog\/b\n.*croft (site )?rollback blog\/a/)
  assert.equal((await croft(['config', 'apply', 'nope'], daemon)).code, 3)
})

test('a folder, no instances and a size that is not there are refused before anything is sent', async () => {
  await using daemon = await fakeDaemon(() => ({ value: [] }))
  const git = ['--git', 'https://example.org/shop.git']
  const folder = await croft(['deploy', './shop'], daemon)
  assert.deepEqual([folder.code, /cd \.\/shop && croft deploy/.test(folder.err)], [2, true])
  for (const words of [
    ['deploy', 'shop/prod', ...git, '--instances', '0'],
    ['site', 'scale', 'shop/prod', '0'],
  ]) {
    const { code, err } = await croft(words, daemon)
    assert.match(err, /must be 1 to 100\n.*to stop it: croft site stop shop\/prod/)
    assert.equal(code, 2)
  }
  assert.match(
    (await croft(['deploy', 'shop/prod', ...git, '--size', 'giant'], daemon)).err,
    /no size "giant"\n.*croft size ls/,
  )
  assert.deepEqual(
    daemon.asked.filter(({ method }) => method !== 'GET'),
    [],
  )
})

test('with --no-wait the build is seen to its end, and the rollout goes on alone', async () => {
  await using daemon = await fakeDaemon(({ method, path }) => {
    if (path.includes('/operations/')) return { value: operation('done') }
    if (method === 'GET')
      return { value: { id: 'b1', release: 'shop:v3', buildSeconds: 22.4, sizeBytes: 64 * 1024 ** 2 } }
    return { value: { operation: operation('running'), result: { id: 'b1' } } }
  })
  const words = ['deploy', 'shop/prod', '--git', 'https://example.org/shop.git', '--no-wait']
  const { code, out, err } = await croft(words, daemon)
  assert.deepEqual([code, out], [0, '✓ op1 goes on\n'])
  assert.match(err, /^✓ shop:v3 built 22s, 64 MB$/m)
  assert.deepEqual(sent(daemon.asked.at(-1) as Asked), ['POST', '/v1/sites/shop/prod/deploy', { version: 'v3' }])
})

test('what visitors met while it was deployed stands at the end', async () => {
  const rollout = { from: 'shop:v1', to: 'shop:v2', state: 'done', requests: { all: 4181, failed: 0 } }
  await using daemon = await fakeDaemon(({ method }) => ({ value: method === 'GET' ? site({ rollout }) : accepted }))
  const { out } = await croft(['deploy', 'shop/prod', 'v2'], daemon)
  assert.match(out, /0 of 2 healthy {2}shop:v2 {2}0 of 4181 requests failed$/m)
})

test('the way back that is hinted at is one: of code, of what was set, or none', async () => {
  let now = way('shop:v1', 'shop:v2')
  await using daemon = await fakeDaemon(({ method }) => ({ value: method === 'GET' ? now : accepted }))
  const deploy = ['deploy', 'shop/prod', 'v2']
  assert.equal(hintOf(await croft(deploy, daemon)), 'croft site show shop/prod · croft rollback shop/prod')
  now = way(null, 'shop:v2')
  assert.equal(hintOf(await croft(deploy, daemon)), 'croft site show shop/prod')
  now = way('shop:v2', 'shop:v2')
  assert.match(
    hintOf(await croft(['config', 'set', 'shop/prod', 'env.A=x', '--deploy'], daemon)),
    /croft config history shop\/prod · croft config revert shop\/prod REVISION$/,
  )
})

test('what a build prints comes as it is printed, until the build ends', async () => {
  const texts = ['one\n', 'one\ntwo\n', 'one\ntwo\nlast\n']
  let looks = 0
  await using daemon = await fakeDaemon(({ path }) => {
    const isLog = path.endsWith('/log')
    if (isLog) looks += 1
    return { value: isLog ? { text: texts[looks - 1] } : { state: looks < 2 ? 'running' : 'failed' } }
  })
  const { code, out } = await croft(['build', 'logs', 'b123456789012345678901', '-f'], daemon)
  assert.deepEqual([code, out, looks], [0, 'one\ntwo\nlast\n', 3])
})

test('a deploy that changes nothing does not call well what is on a host that is away', async () => {
  const away = { state: 'away', host: 'birch', reason: 'host birch is away' }
  const now = site({ state: 'away', instances: [away, away] })
  await using daemon = await fakeDaemon(({ method }) => ({
    value: method === 'GET' ? now : { ...accepted, unchanged: true },
  }))
  const { out } = await croft(['deploy', 'shop/prod', 'v2'], daemon)
  assert.match(out, /shop\/prod is that already: shop\/prod 0 of 2 healthy, host birch away {2}shop:v2\n/)
})
