/** What several hosts cost and do, beside one host and raw tools: real daemons, etcd and LXC in a network namespace each. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type PlacementHost, place } from '../src/plan/placement.ts'
import type { TestFarm } from '../test/system/farm.ts'
import { createHosts, type TestHost, type TestHosts } from '../test/system/hosts.ts'
import { command, type Figure, figure, measure, type Row, residentMb } from './measure.ts'
import { movesOf } from './moves.ts'

export interface HostsPace {
  readonly runs: number
  readonly idleMs: number
  readonly count: number
  /** How large the guest is that moves. */
  readonly mib: number
  say(line: string): void
}

export async function hostsFigures(one: TestFarm, pace: HostsPace): Promise<{ figures: Figure[]; memory: string[] }> {
  const { say, runs, idleMs } = pace
  say('placement')
  const figures: Figure[] = [placements()]
  await using hosts = await createHosts({ count: pace.count })
  figures.push(...(await joins(hosts, say)))
  for (const host of hosts.all)
    await hosts.ash.croftOk('create', `g-${host.hostName}`, 'debian:12', '--host', host.hostName)
  for (const host of hosts.all) await one.croftOk('create', `g-${host.hostName}`, 'debian:12')
  for (const row of besideOne(hosts, one)) {
    say(row.what)
    figures.push(...(await measure(row, runs, idleMs)))
  }
  await sleep(30_000)
  const memory = [...hosts.all, one].map((host, at) => {
    const what = at < hosts.all.length ? `daemon of ${host.hostName}, ${pace.count} hosts` : 'daemon of one host'
    return `| ${what}, ${at < hosts.all.length ? 1 : pace.count} guests, half a minute at rest | ${residentMb(host).toFixed(0)} |`
  })
  say(`moves of ${pace.mib} MiB`)
  figures.push(...(await movesOf(hosts, pace)))
  await hosts.ash.croft('rm', '--all', '-y')
  return { figures, memory }
}

/** Of 1,000 hosts, one after another as guests come; milliseconds for a thousand of them. */
function placements(): Figure {
  const gib = 1024 ** 3
  const hosts: PlacementHost[] = Array.from({ length: 1000 }, (_, at) => ({
    ...{ name: `h${at}`, state: 'up', tags: at % 3 === 0 ? ['ssd'] : [], cpus: 8, load: at % 8 },
    memory: { totalBytes: 64 * gib, freeBytes: 32 * gib, promisedBytes: (at % 40) * gib, mostBytes: 60 * gib },
    pools: { default: { totalBytes: 1024 * gib, freeBytes: (100 + at) * gib, promisedBytes: 0 } },
    templates: new Set(at % 2 === 0 ? ['t1'] : []),
  }))
  const ask = { memoryBytes: gib, diskBytes: 10 * gib, pool: 'default', template: 't1' }
  const round = () => {
    const begin = performance.now()
    for (let count = 0; count < 1000; count++) place(hosts, { ...ask, tags: count % 5 === 0 ? ['ssd'] : [] }, 10)
    return performance.now() - begin
  }
  round()
  const what = '1,000 placements at 1,000 hosts (2,000 a second: 500 ms)'
  return figure({ what, budgetMs: 500, contestants: [] }, 'croft', [round(), round(), round(), round(), round()])
}

async function joins({ ash, all }: TestHosts, say: (line: string) => void): Promise<Figure[]> {
  const took: number[] = []
  for (const host of all.slice(1)) {
    say(`${host.hostName} joins`)
    const token = (await ash.croftOk('host', 'invite')).trim()
    const begin = performance.now()
    await host.croftOk('join', token, '--pool', 'file', '--pool-size', '8G')
    took.push(performance.now() - begin)
  }
  const [first = 0, ...rest] = took
  return [
    figure({ what: 'join of the second host, the store moves into etcd', contestants: [] }, 'croft', [first]),
    ...(rest.length > 0 ? [figure({ what: 'join of one more host', contestants: [] }, 'croft', rest)] : []),
  ]
}

/** The same words on a host of several, whose store is etcd, and on one host alone, whose store is a file. */
function besideOne({ ash, birch, all }: TestHosts, one: TestFarm): Row[] {
  const both = (what: string, words: readonly string[]): Row => ({
    what,
    contestants: [
      { name: 'croft', run: () => croft(ash, ...words) },
      { name: 'one host alone', run: () => croft(one, ...words) },
    ],
  })
  let count = 0
  const creating = (name: string, host: TestFarm, ...more: string[]) => ({
    name,
    before: async () => void count++,
    run: () => croft(host, 'create', `x${count}`, 'debian:12', ...more),
    after: () => croft(host, 'rm', `x${count}`, '-y'),
  })
  return [
    both(`ls, ${all.length} guests on ${all.length} hosts`, ['ls']),
    both('show of a guest', ['show', 'g-ash']),
    both('exec true, on the guest’s own host', ['exec', 'g-ash', '--', 'true']),
    {
      what: 'exec true, carried',
      contestants: [{ name: 'croft', run: () => croft(birch, 'exec', 'g-ash', '--', 'true') }],
    },
    {
      what: 'create to RUNNING, etcd beside SQLite',
      contestants: [creating('croft', ash, '--host', 'ash'), creating('one host alone (SQLite)', one)],
    },
    { what: 'create to RUNNING, carried', contestants: [creating('croft', birch, '--host', 'ash')] },
  ]
}

/** The bundled command, as a process on that host. */
export const croft = (farm: TestFarm | TestHost, ...words: string[]): Promise<void> =>
  command(
    'nsenter',
    [`--net=/run/netns/${farm.namespaces.host}`, '--', process.env.CROFT_ENTRY ?? '', ...words],
    farm.env(),
  )
