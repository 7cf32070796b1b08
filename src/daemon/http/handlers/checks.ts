/** What visitors of routes meet. */
import type { RouteCheck } from '../../../api/check.ts'
import { getFarm } from '../../daemon.ts'
import type { Handlers } from '../handler.ts'

export const handlers = {
  listChecks: (daemon): Promise<RouteCheck[]> => getFarm(daemon).checks.list(),

  getCheck(daemon, { params, query }): Promise<RouteCheck> {
    const { checks } = getFarm(daemon)
    return query.now ? checks.lookNow(params.route) : checks.last(params.route)
  },
} satisfies Partial<Handlers>
