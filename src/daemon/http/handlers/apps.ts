/** Applications: a name, and where the code is. */
import type { App } from '../../../api/app.ts'
import { CroftError } from '../../../api/errors.ts'
import type { Write } from '../../../store/store.ts'
import { timestamp } from '../../env.ts'
import type { AppRecord } from '../../records/app-records.ts'
import { assertNameFree, getApp, listAppViews, listSitesOf, readApp, viewApp } from '../../records/apps.ts'
import { assertRevision, type Change, commit } from '../../records/change.ts'
import { differences } from '../../records/edge-settings.ts'
import { keys } from '../../records/keys.ts'
import { readAll, schemaVersion } from '../../records/records.ts'
import { listReleases } from '../../records/releases.ts'
import { removeVolumes } from '../../records/volumes.ts'
import type { Handlers } from '../handler.ts'

const usualRef = 'HEAD'

export const handlers = {
  listApps: (daemon): Promise<App[]> => listAppViews(daemon),

  getApp: async (daemon, { params }): Promise<App> => viewApp(daemon, await getApp(daemon, params.app)),

  async addApp(daemon, { body, query, caller }) {
    const { name, git, ref } = body
    const key = keys.app(name)
    if (git === undefined && ref !== undefined) throw needsUrl(name)
    const decide = async (): Promise<Change> => {
      if (await readApp(daemon, name))
        throw new CroftError('EXISTS', `there is an app "${name}"`, { hint: `croft app set ${name} git=URL` })
      await assertNameFree(daemon, name)
      const record: AppRecord = {
        ...{ schema: schemaVersion, name, id: daemon.env.uuid(), created: timestamp(daemon.env), by: caller.name },
        ...(git === undefined ? {} : { git: { url: git, ref: ref ?? usualRef } }),
      }
      return {
        ...{ kind: 'app', name, verb: 'add', before: null, after: settingsOf(record) },
        ...{ compare: [{ key, revision: 0 }], writes: [{ put: key, value: record }] },
      }
    }
    if (query.dryRun) return planned(name, await decide())
    await commit(daemon, caller, query, decide)
    return { operation: null, result: await viewApp(daemon, await getApp(daemon, name)) }
  },

  async changeApp(daemon, { params, body, query, caller }) {
    const decide = async (): Promise<Change> => {
      const { key, revision, value } = await getApp(daemon, params.app)
      assertRevision(query, revision, params.app)
      const after = changed(value, body)
      const same = JSON.stringify(after) === JSON.stringify(value)
      return {
        ...{ kind: 'app', name: params.app, verb: 'set', before: settingsOf(value), after: settingsOf(after) },
        ...{ compare: [{ key, revision }], writes: same ? [] : [{ put: key, value: after }] },
      }
    }
    if (query.dryRun) return planned(params.app, await decide())
    await commit(daemon, caller, query, decide)
    return { operation: null, result: await viewApp(daemon, await getApp(daemon, params.app)) }
  },

  async removeApp(daemon, { params, query, caller }) {
    const name = params.app
    const decide = async (): Promise<Change> => {
      const { key, revision, value } = await getApp(daemon, name)
      assertRevision(query, revision, name)
      const sites = await listSitesOf(daemon, name)
      if (sites.length > 0)
        throw new CroftError('IN_USE', `app "${name}" has ${sites.join(', ')}`, { hint: `croft site rm ${sites[0]}` })
      const releases = (await listReleases(daemon, name)).map(({ value }) => value.ref)
      if (releases.length > 0)
        throw new CroftError('IN_USE', `app "${name}" has releases: ${releases.slice(-5).join(', ')}`, {
          hint: `croft release rm ${releases.slice(-5).join(' ')}`,
        })
      const secrets = await readAll(daemon.store, keys.siteSecrets(`${name}/build`))
      return {
        ...{ kind: 'app', name, verb: 'rm', before: settingsOf(value), after: null },
        compare: [{ key, revision }],
        writes: [{ delete: key }, ...secrets.map((each): Write => ({ delete: each.key }))],
      }
    }
    if (query.dryRun) return planned(name, await decide())
    await commit(daemon, caller, query, decide)
    await removeVolumes(daemon, `${name}/build`)
    return { operation: null, result: null }
  },
} satisfies Partial<Handlers>

function changed(record: AppRecord, { git, ref }: { git?: string | null | undefined; ref?: string | undefined }) {
  const { git: before, ...rest } = record
  if (git === null) return rest
  const url = git ?? before?.url
  if (url === undefined) throw needsUrl(record.name)
  return { ...rest, git: { url, ref: ref ?? before?.ref ?? usualRef } }
}

const needsUrl = (name: string): CroftError =>
  new CroftError('BAD_VALUE', `a ref is of a repository, and ${name} has none`, {
    hint: `croft app set ${name} git=URL ref=main`,
  })

const settingsOf = ({ git }: AppRecord) => ({ git: git?.url ?? null, ref: git?.ref ?? null })

const planned = (name: string, { before, after, verb }: Change) => {
  const steps = differences(name, (before ?? {}) as object, (after ?? {}) as object)
  const said = verb === 'set' ? steps : [{ what: name, step: verb, detail: 'app' }, ...steps]
  return { operation: null, result: null, steps: said }
}
