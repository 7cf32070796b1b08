/** What croft tells a Prometheus, from facts that were gathered before: pure. Names never change their meaning. */
import type { RouteCheck, Verdict } from '../../api/check.ts'
import type { Guest } from '../../api/guest.ts'
import type { HostPressure, Pool, Template } from '../../api/resources.ts'
import type { SiteCounters } from '../../drivers/edge/driver.ts'
import type { Used } from './board.ts'
import type { Family, Labels, Sample } from './exposition.ts'

export interface DaemonFacts {
  readonly version: string
  readonly node: string
  readonly host: string
  readonly storeUp: boolean
  readonly residentBytes: number
  readonly cpuSeconds: number
  readonly uptimeSeconds: number
  readonly hostMemoryBytes: number
  readonly hostFreeBytes: number
  readonly hostCpus: number
  readonly hostLoad: number
  readonly pressure: HostPressure | null
}

export interface FarmFacts {
  readonly farm: string
  readonly guests: readonly Guest[]
  readonly used: ReadonlyMap<number, Used>
  readonly pools: readonly Pool[]
  readonly templates: readonly Template[]
  readonly checks: readonly RouteCheck[]
  readonly routes: readonly {
    readonly name: string
    readonly state: string
    readonly counters: SiteCounters | undefined
  }[]
  readonly operations: {
    readonly running: number
    readonly ended: readonly { readonly verb: string; readonly state: string; readonly count: number }[]
  }
}

export function daemonFamilies(facts: DaemonFacts): Family[] {
  const { host, version, node } = facts
  const one = (name: string, help: string, value: number): Family => gauge(name, help, [[{ host }, value]])
  return [
    gauge('croft_build_info', 'The version that runs; always 1.', [[{ host, version, node }, 1]]),
    one('croft_store_up', '1 while the store answers.', facts.storeUp ? 1 : 0),
    one('croft_daemon_resident_bytes', 'Memory of the daemon.', facts.residentBytes),
    counter('croft_daemon_cpu_seconds_total', 'Processor time of the daemon.', [[{ host }, facts.cpuSeconds]]),
    one('croft_daemon_uptime_seconds', 'Since the daemon began.', facts.uptimeSeconds),
    one('croft_host_memory_bytes', 'Memory of the host.', facts.hostMemoryBytes),
    one('croft_host_memory_free_bytes', 'Memory of the host that nobody uses.', facts.hostFreeBytes),
    one('croft_host_cpus', 'Processors of the host.', facts.hostCpus),
    one('croft_host_load1', 'Load of the host, over a minute.', facts.hostLoad),
    counter(
      'croft_host_pressure_seconds_total',
      'Time in which some, or all, processes of the host waited for a resource.',
      pressureSamples(host, facts.pressure),
    ),
  ]
}

function pressureSamples(host: string, pressure: HostPressure | null): Sample[] {
  return Object.entries(pressure ?? {}).flatMap(([resource, { someSeconds, fullSeconds }]): Sample[] => [
    [{ host, resource, kind: 'some' }, someSeconds],
    [{ host, resource, kind: 'full' }, fullSeconds],
  ])
}

export function farmFamilies(host: string, facts: FarmFacts): Family[] {
  const { farm, pools, templates, operations } = facts
  const ofPools = (name: string, help: string, value: (pool: Pool) => number | null): Family =>
    gauge(
      name,
      help,
      pools.map((pool) => [{ pool: pool.name, host: pool.host }, value(pool)]),
    )
  return [
    gauge('croft_farm_info', 'The farm; always 1.', [[{ farm, host }, 1]]),
    gauge('croft_guests', 'Guests by state.', counted(facts.guests.map(stateOf), host)),
    ...guestFamilies(facts),
    ofPools('croft_pool_mounted', '1 while the pool is mounted.', (pool) => (pool.mounted ? 1 : 0)),
    ofPools('croft_pool_size_bytes', 'Size of the pool.', (pool) => pool.totalBytes),
    ofPools('croft_pool_free_bytes', 'What guests can still write to the pool.', (pool) => pool.freeBytes),
    gauge(
      'croft_templates',
      'Templates by state.',
      counted(
        templates.map(({ state }) => state),
        host,
      ),
    ),
    gauge(
      'croft_template_size_bytes',
      'Size of a template.',
      templates.map(({ ref, sizeBytes }) => [{ template: ref, host }, sizeBytes]),
    ),
    ...checkFamilies(host, facts.checks),
    ...routeFamilies(host, facts.routes),
    gauge('croft_operations_running', 'Operations under way.', [[{ host }, operations.running]]),
    counter(
      'croft_operations_total',
      'Operations that ended since the daemon began.',
      operations.ended.map(({ verb, state, count }) => [{ host, verb, state }, count]),
    ),
  ]
}

type OfRoute = (counted: SiteCounters) => number
const ofRoute: readonly (readonly [type: Family['type'], name: string, help: string, value: OfRoute])[] = [
  ['counter', 'requests_total', 'Requests since the edge began.', ({ requests }) => requests],
  ['counter', 'errors_4xx_total', 'Answers of 400 to 499 since then.', ({ errors4xx }) => errors4xx],
  ['counter', 'errors_5xx_total', 'Answers of 500 to 599 since then.', ({ errors5xx }) => errors5xx],
  ['counter', 'receive_bytes_total', 'Received from clients since then.', ({ bytesIn }) => bytesIn],
  ['counter', 'transmit_bytes_total', 'Sent to clients since then.', ({ bytesOut }) => bytesOut],
  ['gauge', 'open', 'Requests under way.', ({ open }) => open],
  ['gauge', 'queued', 'Requests that wait for the guest.', ({ queued }) => queued],
]

function routeFamilies(host: string, routes: FarmFacts['routes']): Family[] {
  const serves = routes.map(({ name, state }): Sample => [{ route: name, host }, state === 'serves' ? 1 : 0])
  return [
    gauge('croft_route_serves', '1 while the route serves.', serves),
    ...ofRoute.map(([type, name, help, value]) => ({
      ...{ name: `croft_route_${name}`, type, help },
      samples: routes.map(
        (route): Sample => [{ route: route.name, host }, route.counters ? value(route.counters) : null],
      ),
    })),
  ]
}

const figures = { ok: 0, warn: 1, red: 2 } as const satisfies Record<Verdict, number>

function checkFamilies(host: string, checks: readonly RouteCheck[]): Family[] {
  const ofChecks = (value: (check: RouteCheck) => number | null): Sample[] =>
    checks.map((check) => [{ route: check.route, host }, value(check)])
  return [
    gauge(
      'croft_route_check',
      'What is believed of a route: 0 well, 1 to be looked at, 2 red.',
      ofChecks(({ believed }) => (believed === null ? null : figures[believed])),
    ),
    gauge(
      'croft_route_first_byte_seconds',
      'How long the first byte of a route took when it was last looked at.',
      ofChecks(({ firstByteMs }) => (firstByteMs === null ? null : firstByteMs / 1000)),
    ),
  ]
}

const stateOf = (guest: Guest): string => (guest.deleting ? 'removing' : (guest.status?.state ?? 'creating'))

function counted(states: readonly string[], host: string): Sample[] {
  const counts = new Map<string, number>()
  for (const state of states) counts.set(state, (counts.get(state) ?? 0) + 1)
  return [...counts].map(([state, count]) => [{ host, state }, count])
}

type Told = (used: Used | undefined, guest: Guest) => number | null | undefined

const ofGuest: readonly (readonly [type: Family['type'], name: string, help: string, value: Told])[] = [
  ['gauge', 'up', '1 while the guest runs.', (_, guest) => (stateOf(guest) === 'running' ? 1 : 0)],
  ['gauge', 'failures', 'Starts that failed in a row.', (_, guest) => guest.status?.failures ?? 0],
  ['counter', 'cpu_seconds_total', 'Processor time since its start.', (used) => used?.cpuSeconds],
  ['gauge', 'cpu_limit', 'Processors it may use.', (_, guest) => guest.spec.limits.cpus],
  ['gauge', 'memory_bytes', 'Memory in use, without cache that can be given back.', (used) => used?.memoryBytes],
  ['gauge', 'memory_limit_bytes', 'Memory it may use.', (used) => used?.memoryLimit],
  ['counter', 'oom_kills_total', 'Processes killed for want of memory since its start.', (used) => used?.oomKills],
  ['gauge', 'disk_bytes', 'Disk in use.', (used) => used?.diskBytes],
  ['gauge', 'disk_limit_bytes', 'How large its disk may grow.', (used) => used?.diskLimit],
  ['counter', 'disk_read_bytes_total', 'Read from its disk since its start.', (used) => used?.diskReadBytes],
  ['counter', 'disk_written_bytes_total', 'Written to its disk since its start.', (used) => used?.diskWriteBytes],
  ['counter', 'network_receive_bytes_total', 'Received since its start.', (used) => used?.netInBytes],
  ['counter', 'network_transmit_bytes_total', 'Sent since its start.', (used) => used?.netOutBytes],
  ['gauge', 'processes', 'Processes and threads.', (used) => used?.processes],
  ['gauge', 'process_limit', 'Processes and threads it may have.', (used) => used?.processLimit],
]

function guestFamilies({ guests, used }: FarmFacts): Family[] {
  const info = guests.map(({ name, host, ipv4, spec }): Sample => {
    const { template, pool } = spec
    return [{ guest: name, host, template, pool, ipv4 }, 1]
  })
  const seen = guests.map((guest) => ({
    guest,
    used: used.get(guest.number),
    labels: { guest: guest.name, host: guest.host } satisfies Labels,
  }))
  return [
    gauge('croft_guest_info', 'What a guest is; always 1.', info),
    ...ofGuest.map(([type, name, help, value]) => ({
      ...{ name: `croft_guest_${name}`, type, help },
      samples: seen.map(({ guest, used, labels }): Sample => [labels, value(used, guest)]),
    })),
  ]
}

const gauge = (name: string, help: string, samples: readonly Sample[]): Family => ({
  name,
  type: 'gauge',
  help,
  samples,
})
const counter = (name: string, help: string, samples: readonly Sample[]): Family => ({
  ...{ name, type: 'counter', help, samples },
})
