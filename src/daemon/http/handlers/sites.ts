/** Sites: an application at a stage. Which instances it has is written by the loop of rollouts alone. */
import type { Site } from '../../../api/site.ts'
import { getFarm } from '../../daemon.ts'
import { accepted, type Change, commit } from '../../records/change.ts'
import { decideRemoval, removalSteps } from '../../records/site-removal.ts'
import { listSiteViews, viewSite } from '../../records/site-views.ts'
import { createSite, decideSite } from '../../records/sites.ts'
import type { Handlers } from '../handler.ts'

export const handlers = {
  listSites: (daemon): Promise<Site[]> => listSiteViews(daemon),

  getSite: (daemon, { params }): Promise<Site> => viewSite(daemon, params.site),

  async addSite(daemon, { body: { name }, query, caller }) {
    if (query.dryRun) return planned(await decideSite(daemon, caller, name))
    await createSite(daemon, caller, name, query)
    return { operation: null, result: await viewSite(daemon, name) }
  },

  async removeSite(daemon, { params, query, caller }) {
    const decide = () => decideRemoval(daemon, params.site, query)
    if (query.dryRun) {
      const { writes } = await decide()
      const steps = writes.length === 0 ? [] : await removalSteps(daemon, params.site)
      return { operation: null, result: null, steps }
    }
    const operation = await commit(daemon, caller, query, decide)
    getFarm(daemon).rollouts.nudge(params.site)
    return accepted(daemon, query, operation, async () => null)
  },
} satisfies Partial<Handlers>

const planned = ({ name, verb, writes }: Change) => ({
  ...{ operation: null, result: null },
  steps: writes.length === 0 ? [] : [{ what: name, step: verb, detail: 'site' }],
})
