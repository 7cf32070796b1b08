import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RouteCheck } from '../../../../src/api/check.ts'
import type { Finding } from '../../../../src/api/resources.ts'
import { croft, fakeDaemon } from '../fake-daemon.ts'

const dns: Finding = { check: 'dns', verdict: 'ok', evidence: 'shop.example.org → 203.0.113.10' }
const tls: Finding = { check: 'tls', verdict: 'warn', evidence: 'it ends in 9 days', mend: 'croft cert issue shop' }
const http: Finding = { check: 'http', verdict: 'red', evidence: '503: guest web is stopped', mend: 'croft start web' }
const seen = (findings: Finding[], more: Partial<RouteCheck> = {}): RouteCheck => ({
  ...{ route: 'shop.example.org', verdict: findings.at(-1)?.verdict ?? null, believed: null, firstByteMs: 84 },
  ...{ at: '2026-01-02T03:03:25Z', findings, changes: [], ...more },
})

test('one route: a line for each check with the mend, looked at now; red is 9', async () => {
  let findings = [dns, tls, http]
  await using daemon = await fakeDaemon(() => ({ value: seen(findings) }))
  const red = await croft(['check', 'shop.example.org/api'], daemon)
  assert.equal(red.code, 9)
  assert.deepEqual(
    red.out.split('\n').map((line) => line.replaceAll(/ {2,}/g, ' | ')),
    [
      'VERDICT | CHECK | EVIDENCE | MEND',
      '✓ ok | dns | shop.example.org → 203.0.113.10 | –',
      '▲ warn | tls | it ends in 9 days | croft cert issue shop',
      '✗ red | http | 503: guest web is stopped | croft start web',
      '',
    ],
  )
  const [asked] = daemon.asked
  assert.deepEqual([asked?.path, asked?.query.get('now')], ['/v1/checks/shop.example.org%2Fapi', '1'])
  findings = [dns, tls]
  assert.equal((await croft(['check', 'shop.example.org'], daemon)).code, 0)
  const json = await croft(['check', 'shop.example.org', '--json'], daemon)
  assert.deepEqual(JSON.parse(json.out), [dns, tls])
})

test('all routes: the worst of each; one that nobody has looked at says so', async () => {
  const fresh = seen([], { route: 'new.example.org', at: null })
  await using daemon = await fakeDaemon(() => ({ value: [seen([dns]), seen([dns, tls, http], { route: 'b' }), fresh] }))
  const ran = await croft(['check'], daemon)
  assert.equal(ran.code, 9)
  assert.deepEqual(
    ran.out.split('\n').map((line) => line.replaceAll(/ {2,}/g, ' | ')),
    [
      'VERDICT | ROUTE | CHECK | EVIDENCE | MEND | LOOKED',
      '✓ ok | shop.example.org | – | shop.example.org → 203.0.113.10 | – | 40s',
      '✗ red | b | http | 503: guest web is stopped | croft start web | 40s',
      '– | new.example.org | – | – | – | –',
      '',
    ],
  )
  await using none = await fakeDaemon(() => ({ value: [] }))
  assert.match((await croft(['check'], none)).err, /no routes to look at: croft route add/)
})

test('its history, newest first, without looking; a route that is none is 3', async () => {
  const changes = [
    { at: '2026-01-02T03:00:05Z', check: 'http', verdict: 'red', evidence: '503: nothing answers in web' },
    { at: '2026-01-02T03:04:00Z', check: 'http', verdict: 'ok', evidence: '200 in 84 ms' },
  ] as const
  await using daemon = await fakeDaemon(({ path }) =>
    path.endsWith('shop.example.org') ? { value: seen([dns], { changes }) } : undefined,
  )
  const ran = await croft(['check', 'shop.example.org', '--history'], daemon)
  assert.deepEqual(
    ran.out.split('\n').map((line) => line.replaceAll(/ {2,}/g, ' | ')),
    [
      'WHEN | VERDICT | CHECK | EVIDENCE',
      '5s | ✓ ok | http | 200 in 84 ms',
      '4m | ✗ red | http | 503: nothing answers in web',
      '',
    ],
  )
  assert.equal(daemon.asked[0]?.query.get('now'), null)
  assert.equal((await croft(['check', 'other.example.org'], daemon)).code, 3)
})

test('watched, a verdict that changes is a line; figures that change are none', async () => {
  const looks = [
    [dns, { ...http, verdict: 'ok', evidence: '200 in 84 ms' }],
    [dns, { ...http, verdict: 'ok', evidence: '200 in 91 ms' }],
    [dns, http],
  ] as Finding[][]
  let count = 0
  let interrupt = () => {}
  await using daemon = await fakeDaemon(({ path }) => {
    if (!path.startsWith('/v1/checks')) return undefined
    if (count >= looks.length) interrupt()
    return { value: seen(looks[Math.min(count++, looks.length - 1)] ?? []) }
  })
  const ran = await croft(['check', 'shop.example.org', '-w', '--json=check,verdict,evidence'], {
    ...daemon,
    onInterruptible: (press) => {
      interrupt = press
    },
  })
  assert.equal(ran.code, 9)
  assert.deepEqual(
    ran.out
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as Finding).evidence),
    ['shop.example.org → 203.0.113.10', '200 in 84 ms', '503: guest web is stopped'],
  )
})
