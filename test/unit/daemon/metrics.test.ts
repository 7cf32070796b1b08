/** What a Prometheus reads, and how it is written. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RouteCheck } from '../../../src/api/check.ts'
import type { Guest } from '../../../src/api/guest.ts'
import { handlers } from '../../../src/daemon/http/handlers/metrics.ts'
import { neverSeen } from '../../../src/daemon/usage/board.ts'
import { exposition } from '../../../src/daemon/usage/exposition.ts'
import { daemonFamilies, farmFamilies } from '../../../src/daemon/usage/metrics.ts'
import { parsePressure } from '../../../src/daemon/usage/pressure.ts'

test('a family: help, type, samples; unknown values and empty families are left out', () => {
  const samples = [
    [{ guest: 'web', host: 'ash' }, 1.5],
    [{ guest: 'pg', host: 'ash' }, null],
    [{}, 0],
  ] as const
  const text = exposition([
    { name: 'a_total', type: 'counter', help: 'One.', samples },
    { name: 'b', type: 'gauge', help: 'None.', samples: [[{}, undefined]] },
  ])
  assert.equal(text, '# HELP a_total One.\n# TYPE a_total counter\na_total{guest="web",host="ash"} 1.5\na_total 0\n')
})

test('nothing in a label or a help ends its line or its quotes', () => {
  const samples = [[{ name: 'a"b\\c\nd}\ud800' }, 1]] as const
  const text = exposition([{ name: 'x', type: 'gauge', help: 'back\\slash\nand "quotes"', samples }])
  assert.deepEqual(text.split('\n'), [
    '# HELP x back\\\\slash\\nand "quotes"',
    '# TYPE x gauge',
    'x{name="a\\"b\\\\c\\nd}\ufffd"} 1',
    '',
  ])
})

test('numbers that are none', () => {
  const samples = [Number.NaN, Infinity, -Infinity, 1e21].map((value, at) => [{ at: String(at) }, value] as const)
  const values = exposition([{ name: 'x', type: 'gauge', help: '', samples }]).match(/[^ \n]+$/gm)
  assert.deepEqual(values?.slice(-4), ['NaN', '+Inf', '-Inf', '1e+21'])
})

const guest = (number: number, more: object = {}) =>
  ({
    ...{ name: `web${number}`, number, host: 'ash', ipv4: `10.100.0.${number}`, status: { state: 'running' } },
    spec: { template: 'debian:12', pool: 'default', limits: { cpus: 2 } },
    ...more,
  }) as unknown as Guest

const check = (route: string, more: Partial<RouteCheck> = {}): RouteCheck => ({
  ...{ route, verdict: 'red', believed: 'warn', at: null, findings: [], firstByteMs: 84, changes: [], ...more },
})

const counters = {
  ...{ requests: 12, errors4xx: 2, errors5xx: 1, bytesIn: 3, bytesOut: 4 },
  ...{ open: 1, queued: 0, servers: 1, serversUp: 1 },
}

test('every name and set of labels comes once, each family in one piece, in the form that is asked for', () => {
  const guests = [guest(1), guest(2, { status: null }), guest(3, { deleting: true })]
  const used = new Map([[1, { ...neverSeen(''), cpuSeconds: 3, memoryBytes: 5, oomKills: 0 }]])
  const calm = { some10: 0, some60: 0, someSeconds: 1, full10: 0, full60: 0, fullSeconds: 0 }
  const text = exposition([
    ...daemonFamilies({
      ...{ version: '1', node: '26', host: 'ash', storeUp: true, residentBytes: 1, cpuSeconds: 1, uptimeSeconds: 1 },
      ...{ hostMemoryBytes: 1, hostFreeBytes: 1, hostCpus: 1, hostLoad: 1 },
      pressure: { cpu: calm, memory: calm, io: calm },
    }),
    ...farmFamilies('ash', {
      ...{
        farm: 'meadow',
        guests,
        used,
        templates: [],
        routes: [
          { name: 'shop.example.org', state: 'serves', counters },
          { name: ':5432', state: 'waits', counters: undefined },
        ],
        checks: [check('shop.example.org'), check(':5432', { believed: null })],
      },
      pools: [
        { name: 'default', host: 'ash', kind: 'file', source: '/p', mounted: false, totalBytes: null, freeBytes: null },
      ],
      operations: { running: 1, ended: [{ verb: 'create', state: 'done', count: 4 }] },
    }),
  ])
  const lines = text.trimEnd().split('\n')
  const samples = lines.filter((line) => !line.startsWith('#'))
  const keys = samples.map((line) => line.slice(0, line.lastIndexOf(' ')))
  assert.equal(new Set(keys).size, keys.length)
  for (const line of lines)
    assert.match(line, /^(# (HELP|TYPE) croft_[a-z0-9_]+ .+|croft_[a-z0-9_]+\{([a-z0-9]+="[^"\n]*",?)+\} \S+)$/)
  const families = lines.filter((line) => line.startsWith('# TYPE')).map((line) => line.split(' ')[2])
  assert.equal(new Set(families).size, families.length)
  for (const line of [
    'croft_guest_cpu_seconds_total{guest="web1",host="ash"} 3',
    'croft_guest_up{guest="web2",host="ash"} 0',
    'croft_guests{host="ash",state="removing"} 1',
    'croft_pool_mounted{pool="default",host="ash"} 0',
    'croft_operations_total{host="ash",verb="create",state="done"} 4',
    'croft_route_requests_total{route="shop.example.org",host="ash"} 12',
    'croft_route_serves{route=":5432",host="ash"} 0',
    'croft_route_check{route="shop.example.org",host="ash"} 1',
    'croft_route_first_byte_seconds{route="shop.example.org",host="ash"} 0.084',
    'croft_host_pressure_seconds_total{host="ash",resource="io",kind="some"} 1',
  ])
    assert.ok(lines.includes(line), line)
  assert.doesNotMatch(text, /memory_bytes\{guest="web2"/, 'what is not known is not zero')
})

test('without a store, or a farm, daemon and host are still told of', async () => {
  const daemon = (away: boolean) =>
    ({
      ...{ version: '1', hostName: 'ash', open: () => undefined },
      away: () => (away ? { why: new Error('gone') } : undefined),
    }) as unknown as Parameters<typeof handlers.getMetrics>[0]
  for (const [away, up] of [
    [true, 0],
    [false, 1],
  ] as const) {
    const text = await handlers.getMetrics(daemon(away))
    assert.match(text, new RegExp(`^croft_store_up\\{host="ash"\\} ${up}$`, 'm'))
    assert.match(text, /^croft_daemon_resident_bytes\{host="ash"\} \d+$/m)
    assert.doesNotMatch(text, /croft_guest/)
  }
})

test('pressure as the kernel writes it, with and without the line that older ones lack', () => {
  const some = 'some avg10=6.49 avg60=9.56 avg300=8.61 total=188468816'
  const both = parsePressure(`${some}\nfull avg10=0.81 avg60=1.14 avg300=0.91 total=14928985\n`)
  assert.deepEqual(both, {
    ...{ some10: 6.49, some60: 9.56, someSeconds: 188.468816, full10: 0.81, full60: 1.14, fullSeconds: 14.928985 },
  })
  assert.equal(parsePressure(some)?.fullSeconds, 0)
  assert.equal(parsePressure(''), undefined)
})
