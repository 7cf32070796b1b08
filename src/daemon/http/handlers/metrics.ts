/** Figures for a Prometheus. Its modules are loaded when somebody asks for the first time. */
import os from 'node:os'
import type { Pool } from '../../../api/resources.ts'
import { idOf } from '../../../plan/edge.ts'
import { getFarm, type WholeDaemon } from '../../daemon.ts'
import { listGuestViews } from '../../records/guests.ts'
import { listRouteViews } from '../../records/routes.ts'
import { listTemplateViews } from '../../records/templates.ts'
import type { DaemonFacts, FarmFacts } from '../../usage/metrics.ts'
import { readPressure } from '../../usage/pressure.ts'
import type { Handlers } from '../handler.ts'
import { listOwnPools } from './hosts.ts'

const usageMaxAgeMs = 1000

export const handlers = {
  async getMetrics(daemon): Promise<string> {
    const [{ exposition }, { daemonFamilies, farmFamilies }] = await Promise.all([
      import('../../usage/exposition.ts'),
      import('../../usage/metrics.ts'),
    ])
    const own = daemonFamilies(daemonFacts(daemon))
    // Without a store, or a farm, there is still a daemon and a host to tell of.
    if (daemon.away?.() || !daemon.open()) return exposition(own)
    return exposition([...own, ...farmFamilies(daemon.hostName, await farmFacts(daemon))])
  },
} satisfies Partial<Handlers>

function daemonFacts({ version, hostName, away }: WholeDaemon): DaemonFacts {
  const { user, system } = process.cpuUsage()
  return {
    ...{ version, node: process.versions.node, host: hostName, storeUp: away?.() === undefined },
    ...{ residentBytes: process.memoryUsage.rss(), cpuSeconds: (user + system) / 1e6, uptimeSeconds: process.uptime() },
    ...{ hostMemoryBytes: os.totalmem(), hostFreeBytes: os.freemem(), hostCpus: os.availableParallelism() },
    ...{ hostLoad: os.loadavg()[0] ?? 0, pressure: readPressure() },
  }
}

async function farmFacts(daemon: WholeDaemon): Promise<FarmFacts> {
  const { parts, usage, checks, loop } = getFarm(daemon)
  const [used, guests, templates, pools, seen, views, counters] = await Promise.all([
    usage.look(usageMaxAgeMs),
    listGuestViews(daemon),
    listTemplateViews(daemon),
    listOwnPools(daemon).catch((): Pool[] => []),
    checks.list(),
    listRouteViews(daemon),
    loop.edge.counters(),
  ])
  const routes = views.map(({ name, id, state }) => ({ name, state, counters: counters?.get(idOf(id)) }))
  return {
    // Each host tells of its own.
    ...{
      farm: parts.farm.name,
      guests: guests.filter(({ host }) => host === parts.host.name),
      used,
      pools,
      templates,
      checks: seen,
      routes,
    },
    operations: daemon.operations.counts(),
  }
}
