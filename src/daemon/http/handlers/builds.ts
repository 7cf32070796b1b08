/** Builds and releases. */

import { CroftError } from '../../../api/errors.ts'
import { getFarm } from '../../daemon.ts'
import type { SiteRecord } from '../../records/app-records.ts'
import { cancelBuild, getBuildRecord, listBuildViews, startBuild, viewBuild } from '../../records/builds.ts'
import { accepted } from '../../records/change.ts'
import { readFarmGuests } from '../../records/farm-guests.ts'
import { keys } from '../../records/keys.ts'
import { readAll } from '../../records/records.ts'
import { getRelease, listReleaseViews, viewRelease } from '../../records/releases.ts'
import type { Handlers } from '../handler.ts'
import { handlers as templates } from './templates.ts'

export const handlers = {
  async addBuild(daemon, { params, body, query, caller }) {
    const { app } = params
    const { planned, ...wish } = body
    if (planned) assertPlan(query)
    if (query.dryRun) {
      const { planBuild } = await import('../../farm/build-plan.ts')
      return { operation: null, result: null, ...(await planBuild(daemon, { app, planned })) }
    }
    const { id, operation } = await startBuild(daemon, caller, { app, ...wish }, query)
    return accepted(daemon, query, operation, async () => viewBuild(await getBuildRecord(daemon, id)))
  },

  listBuilds: (daemon) => listBuildViews(daemon),
  getBuild: async (daemon, { params }) => viewBuild(await getBuildRecord(daemon, params.build)),

  async readBuildLog(daemon, { params }) {
    await getBuildRecord(daemon, params.build)
    const { openLog } = await import('../../farm/build-log.ts')
    const file = await openLog(getFarm(daemon).builds.folder, params.build)
    if (!file)
      throw new CroftError('NOT_FOUND', `build ${params.build} has printed nothing, or it is long ago`, {
        hint: `croft build show ${params.build}`,
      })
    try {
      return { text: await file.readFile('utf8') }
    } finally {
      await file.close()
    }
  },

  async cancelBuild(daemon, { params, query }) {
    const record = await getBuildRecord(daemon, params.build)
    const steps = [{ what: record.app, step: 'cancel', detail: `build ${record.id}` }]
    if (query.dryRun) return { operation: null, result: null, steps: record.state === 'running' ? steps : [] }
    await cancelBuild(daemon, params.build)
    return { operation: null, result: viewBuild(await getBuildRecord(daemon, params.build)) }
  },

  listReleases: (daemon, { query }) => listReleaseViews(daemon, query.app),

  async getRelease(daemon, { params }) {
    const record = await getRelease(daemon, params.release)
    const guests = await readFarmGuests(daemon.store)
    const sites = await readAll<SiteRecord>(daemon.store, keys.sites)
    const { config } = record.value.release
    return { ...(await viewRelease(daemon, record, { guests, sites })), config }
  },

  async removeRelease(daemon, request) {
    const { value } = await getRelease(daemon, request.params.release)
    return templates.removeTemplate(daemon, { ...request, params: { template: value.ref } })
  },
} satisfies Partial<Handlers>

/** What is told of a build before there is one is for nothing else. */
export function assertPlan({ dryRun }: { readonly dryRun?: boolean | undefined }): void {
  if (!dryRun) throw new CroftError('BAD_VALUE', 'planned: what would be built goes with dryRun=1 alone')
}
