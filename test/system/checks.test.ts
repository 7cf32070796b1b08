/** What visitors of routes meet, as croft sees it: a real edge, a real guest, a real name server. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CheckChange, RouteCheck } from '../../src/api/check.ts'
import type { Finding, Status } from '../../src/api/resources.ts'
import { at, useFarm } from './farm.ts'
import { serveFolder } from './web.ts'

const env = { CROFT_CHECK_SECONDS: '2' }
const farm = await useFarm({ env })
const nameServer = '127.0.0.1:5399'

async function check(route: string): Promise<{ code: number | null; line: (check: string) => string }> {
  const said = await farm.croft('check', route, '--json')
  const findings = JSON.parse(said.stdout || '[]') as Finding[]
  return {
    code: said.code,
    line: (name) => {
      const found = findings.find((finding) => finding.check === name)
      return found ? `${found.verdict}: ${found.evidence} → ${found.mend ?? ''}` : 'none'
    },
  }
}

/** Without looking: what the schedule found. */
const changes = () => farm.json<CheckChange[]>('check', 'shop.example.org', '--history')
const attention = async () =>
  (await farm.json<Status>('status')).attention.map(({ what, why, do: next }) => `${what}: ${why} → ${next}`)

test('a route from its first minute to a guest that stops, and a daemon that dies meanwhile', async () => {
  const { v4, v6 } = at.host
  farm.background('host', {
    file: 'dnsmasq',
    args: [
      ...['--keep-in-foreground', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--pid-file', '--user=root'],
      ...['--port=5399', '--listen-address=127.0.0.1', '--bind-interfaces', '--local=/example.org/', '--local-ttl=60'],
      ...['shop', 'www'].flatMap((name) => [`--host-record=${name}.example.org,${v4},${v6}`]),
      '--host-record=away.example.org,203.0.113.7',
    ],
  })
  await farm.croftOk('farm', 'set', `resolvers=${nameServer}`)
  await farm.croftOk('create', 'web', 'debian:12', '--wait=stable')
  await serveFolder(farm, 'web', { 'index.html': 'hello' })
  await farm.croftOk('route', 'add', 'shop.example.org', 'web:8080', 'aliases=www.example.org')
  await farm.croftOk('route', 'add', 'away.example.org', 'web:8080')
  await farm.croftOk('route', 'add', 'none.example.org', 'web:8080', 'https=off')

  await farm.waitFor(async () => (await check('shop.example.org')).line('http').startsWith('ok: 200'))
  const good = await check('shop.example.org')
  assert.equal(good.code, 0)
  assert.equal(good.line('dns'), `ok: 2 names → ${v4}, ${v6} → `)
  assert.equal(good.line('redirect'), 'ok: http → https://shop.example.org/ → ')
  assert.equal(good.line('aliases'), 'ok: www.example.org → shop.example.org → ')
  assert.match(good.line('tls'), /^warn: .*farm’s own CA.* → croft cert issue shop\.example\.org$/)

  const away = await check('away.example.org')
  assert.equal(away.code, 9)
  assert.match(
    away.line('dns'),
    /^red: away\.example\.org points to 203\.0\.113\.7, .*not this edge.* → .*set .*A 198\.51\.100\.1/,
  )
  assert.match(away.line('http'), /^ok: 200/, 'it is looked at where it will be served')
  assert.match((await check('none.example.org')).line('dns'), /^red: none\.example\.org has no address/)
  const unknown = await farm.croft('check', 'other.example.org')
  assert.equal(unknown.code, 3)
  assert.match(unknown.stderr, /no route "other\.example\.org"[\s\S]*croft route ls/)

  await farm.croftOk('stop', 'web')
  const stopped = 'red: 503: guest web is stopped → croft start web'
  await farm.waitFor(async () => (await check('shop.example.org')).line('http') === stopped)
  const line = /^shop\.example\.org: http: 503: guest web is stopped → croft start web$/
  await farm.waitFor(async () => (await attention()).some((each) => line.test(each)), 40_000)
  const { text } = await farm.api('GET', '/metrics')
  assert.match(text, /^croft_route_check\{route="shop\.example\.org",host="ash"\} 2$/m)
  const all = await farm.croft('check', '--json')
  assert.equal(all.code, 9)
  assert.equal((JSON.parse(all.stdout) as RouteCheck[]).length, 3)

  await farm.restartDaemon({ kill: 'SIGKILL', env })
  assert.deepEqual((await changes()).map(({ check, verdict }) => `${check} ${verdict}`).slice(0, 1), ['http red'])
  assert.ok((await attention()).some((each) => line.test(each)))
  await farm.croftOk('start', 'web')
  await serveFolder(farm, 'web', { 'index.html': 'hello' })
  await farm.waitFor(async () => (await changes())[0]?.verdict === 'ok', 40_000)
  assert.deepEqual(
    (await attention()).filter((each) => each.startsWith('shop.')),
    [],
  )
  const events = (await farm.croftOk('events', '--kind', 'check', '-o', 'jsonl')).trimEnd().split('\n')
  const told = events.map((each) => JSON.parse(each) as { name: string; event: string })
  const ofShop = told.filter(({ name }) => name === 'shop.example.org').map(({ event }) => event)
  assert.deepEqual(ofShop.slice(-2), ['red', 'warn'])

  for (const route of ['shop', 'away', 'none']) await farm.croftOk('route', 'rm', `${route}.example.org`)
  assert.equal((await farm.croft('check', 'shop.example.org')).code, 3)
})
