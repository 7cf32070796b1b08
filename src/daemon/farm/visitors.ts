/** What visitors of a site met while it was deployed: from the edge's own counts of all routes that lead to it. */
import { idOf } from '../../plan/edge.ts'
import { type Tally, tallied } from '../../plan/visitors.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import type { RolloutRecord } from '../records/app-records.ts'
import { keys } from '../records/keys.ts'
import { type RouteRecord, readAll } from '../records/records.ts'

export interface Visitors {
  look(rollout: RolloutRecord): Promise<void>
  /** Undefined when nobody came, or nobody could count. */
  end(rollout: RolloutRecord): Promise<RolloutRecord['requests']>
}

/** Held in memory: what a daemon before this one had counted is not in it. */
export function createVisitors(daemon: Daemon): Visitors {
  const tallies = new Map<string, Tally>()

  async function look({ id, site }: RolloutRecord): Promise<void> {
    const counters = await getFarm(daemon).loop.edge.counters()
    if (!counters) return
    const routes = (await readAll<RouteRecord>(daemon.store, keys.routes)).map(({ value }) => value)
    const ids = routes.flatMap(({ id, spec: { target } }) =>
      target.kind === 'site' && target.site === site ? [idOf(id)] : [],
    )
    const mine = ids.map((id) => [id, counters.get(id) ?? { requests: 0, errors5xx: 0 }] as const)
    tallies.set(id, tallied(tallies.get(id), new Map(mine)))
  }

  return {
    look,
    async end(rollout) {
      await look(rollout)
      const tally = tallies.get(rollout.id)
      tallies.delete(rollout.id)
      return tally && tally.requests > 0 ? { all: tally.requests, failed: tally.failed } : undefined
    },
  }
}
