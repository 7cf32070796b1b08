/** Secrets of sites. What one is goes in here and comes out in its instances alone: no answer, history or log has it. */
import { CroftError } from '../../../api/errors.ts'
import type { Secret } from '../../../api/site.ts'
import type { Daemon } from '../../daemon.ts'
import { getFarm } from '../../daemon.ts'
import { timestamp } from '../../env.ts'
import type { SiteConfigRecord, SiteSecretRecord } from '../../records/app-records.ts'
import { getApp } from '../../records/apps.ts'
import { type Change, commit } from '../../records/change.ts'
import { keys } from '../../records/keys.ts'
import { type Held, read, readAll, schemaVersion } from '../../records/records.ts'
import { getSite, getSiteToChange } from '../../records/sites.ts'
import type { Handlers } from '../handler.ts'

/** So few that all of them go with their site in one transaction. */
const mostSecrets = 60

export const handlers = {
  async listSecrets(daemon, { params: { site } }): Promise<Secret[]> {
    const app = appOfBuilds(site)
    if (app === undefined) await getSite(daemon, site)
    else await getApp(daemon, app)
    const records = await readAll<SiteSecretRecord>(daemon.store, keys.siteSecrets(site))
    return records.map(({ value }) => viewSecret(site, value))
  },

  async setSecret(daemon, { params, body, query, caller }) {
    const { site, secret: name } = params
    const { seal } = await getFarm(daemon).parts.seal()
    const key = keys.siteSecret(site, name)
    const record: SiteSecretRecord = {
      ...{ schema: schemaVersion, name, sealed: seal(key, body.value) },
      ...{ by: caller.name, at: timestamp(daemon.env) },
    }
    const decide = async (): Promise<Change> => {
      const { compare, writes } = await anchor(daemon, site)
      const before = await read<SiteSecretRecord>(daemon.store, key)
      if (!before) await assertRoom(daemon, site)
      return {
        ...{ kind: 'secret', name: `${site}/${name}`, verb: 'set', before: told(before), after: 'set' },
        compare: [...compare, { key, revision: before?.revision ?? 0 }],
        writes: [...writes, { put: key, value: record }],
      }
    }
    if (query.dryRun) return planned(await decide())
    await commit(daemon, caller, query, decide)
    return { operation: null, result: viewSecret(site, record) }
  },

  async removeSecret(daemon, { params, query, caller }) {
    const { site, secret: name } = params
    const key = keys.siteSecret(site, name)
    const decide = async (): Promise<Change> => {
      const { compare, writes } = await anchor(daemon, site)
      const before = await read<SiteSecretRecord>(daemon.store, key)
      if (!before)
        throw new CroftError('NOT_FOUND', `${site} has no secret ${name}`, { hint: `croft secret ls ${site}` })
      return {
        ...{ kind: 'secret', name: `${site}/${name}`, verb: 'rm', before: told(before), after: null },
        compare: [...compare, { key, revision: before.revision }],
        writes: [...writes, { delete: key }],
      }
    }
    if (query.dryRun) return planned(await decide())
    await commit(daemon, caller, query, decide)
    return { operation: null, result: null }
  },
} satisfies Partial<Handlers>

const told = (record: Held<SiteSecretRecord> | undefined): string | null => (record ? 'set' : null)

const viewSecret = (site: string, { name, by, at }: SiteSecretRecord): Secret => ({ site, name, by, at })

/** A change of secrets is one of the site's configuration too: who removes the site meanwhile looks again. */
async function anchor(daemon: Daemon, site: string): Promise<Pick<Change, 'compare' | 'writes'>> {
  const app = appOfBuilds(site)
  if (app !== undefined) {
    const { key, revision, value } = await getApp(daemon, app)
    return { compare: [{ key, revision }], writes: [{ put: key, value }] }
  }
  const { key, revision } = await getSiteToChange(daemon, site)
  const at = keys.siteConfig(site)
  const config = await read<SiteConfigRecord>(daemon.store, at)
  const value: SiteConfigRecord = config?.value ?? { schema: schemaVersion, values: {} }
  return {
    compare: [
      { key, revision },
      { key: at, revision: config?.revision ?? 0 },
    ],
    writes: [{ put: at, value }],
  }
}

/** `shop/build` is no site, but where builds have their secrets. */
function appOfBuilds(place: string): string | undefined {
  const [app, stage] = place.split('/')
  return stage === 'build' ? app : undefined
}

async function assertRoom(daemon: Daemon, site: string): Promise<void> {
  const { entries } = await daemon.store.list(keys.siteSecrets(site), { limit: mostSecrets })
  if (entries.length >= mostSecrets)
    throw new CroftError('TOO_LARGE', `${site} has ${mostSecrets} secrets, and no room for another`, {
      hint: `croft secret ls ${site}`,
    })
}

const planned = ({ name, verb }: Change) => ({
  ...{ operation: null, result: null },
  steps: [{ what: name, step: verb, detail: 'secret' }],
})
