/** The host: what it is, what differs between wish and fact, and closing the difference. */
import os from 'node:os'
import { CroftError } from '../../../api/errors.ts'
import type { Host, Network, PlannedStep, Pool } from '../../../api/resources.ts'
import { type Daemon, getFarm, type WholeDaemon } from '../../daemon.ts'
import { adoptOrphans } from '../../host/adopt.ts'
import { planHost } from '../../host/plan-host.ts'
import { listGuestViews } from '../../records/guests.ts'
import { keys } from '../../records/keys.ts'
import { type PoolRecord, readAll } from '../../records/records.ts'
import { readPressure } from '../../usage/pressure.ts'
import type { Handlers } from '../handler.ts'

export const handlers = {
  listHosts: async (daemon): Promise<Host[]> => [await hostView(daemon)],

  async getHost(daemon, { params }) {
    assertHost(daemon, params.host)
    return hostView(daemon)
  },

  async planHost(daemon, { params }): Promise<{ steps: readonly PlannedStep[] }> {
    assertHost(daemon, params.host)
    return { steps: await planHost(getFarm(daemon).parts, getFarm(daemon).loop) }
  },

  async applyHost(daemon, { params, query, caller }) {
    assertHost(daemon, params.host)
    const { parts, loop } = getFarm(daemon)
    const steps = await planHost(parts, loop)
    if (query.dryRun) return { operation: null, result: null, steps }
    const adopted = query.adopt ? await adoptOrphans(parts, caller.name) : []
    await loop.lookAround()
    return { operation: null, result: { adopted, left: await planHost(parts, loop) }, steps }
  },

  listPools: (daemon) => listPoolViews(daemon),

  async listNetworks(daemon): Promise<Network[]> {
    const { parts } = getFarm(daemon)
    const { prefix4, prefix6 } = parts.farm
    return [{ name: 'default', kind: 'routed', prefix4, prefix6, ...(await parts.network.uplink()) }]
  },
} satisfies Partial<Handlers>

export async function listPoolViews(daemon: Daemon): Promise<Pool[]> {
  const { parts } = getFarm(daemon)
  const records = await readAll<PoolRecord>(daemon.store, keys.pools(parts.host.name))
  return Promise.all(
    records.map(async ({ value: { name, kind, source } }) => ({
      ...{ name, host: parts.host.name, kind, source },
      ...(await parts.pools.state(name)),
    })),
  )
}

function assertHost(daemon: WholeDaemon, name: string): void {
  if (name === getFarm(daemon).parts.host.name) return
  throw new CroftError('NOT_FOUND', `no host "${name}"`, { hint: 'croft host ls' })
}

async function hostView(daemon: WholeDaemon): Promise<Host> {
  const { host } = getFarm(daemon).parts
  const guests = await listGuestViews(daemon)
  const [one = 0, five = 0, fifteen = 0] = os.loadavg()
  return {
    name: host.name,
    number: host.number,
    version: daemon.version,
    uidBase: host.uidBase,
    guests: { running: guests.filter((guest) => guest.status?.state === 'running').length, total: guests.length },
    memory: { totalBytes: os.totalmem(), freeBytes: os.freemem() },
    cpus: os.availableParallelism(),
    load: [one, five, fifteen],
    pressure: readPressure(),
    uptimeSeconds: Math.round(os.uptime()),
  }
}
