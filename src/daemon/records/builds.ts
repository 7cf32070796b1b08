/** Builds as records: how one begins, and what is shown of it. */

import type { AppConfig } from '../../api/app.ts'
import type { WantedBuild } from '../../api/build.ts'
import { CroftError } from '../../api/errors.ts'
import type { Operation } from '../../api/resources.ts'
import type { Build } from '../../api/site.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import { timestamp } from '../env.ts'
import type { HostParts } from '../host/parts.ts'
import type { Caller } from '../http/access.ts'
import { withoutQuery } from '../uploads/fetch.ts'
import type { AppRecord, BuildRecord, BuildSource } from './app-records.ts'
import { assertNameFree, readApp } from './apps.ts'
import { type Change, commit } from './change.ts'
import { keys } from './keys.ts'
import { read, readAll, schemaVersion } from './records.ts'
import { openSecrets } from './sites.ts'

export interface BuildWish extends WantedBuild {
  readonly app: string
  /** Instead of what its croft.toml says. */
  readonly config?: AppConfig
}

/** The app begins with its first build, when it is new. Returns at once; the operation ends with the build. */
export async function startBuild(
  daemon: Daemon,
  caller: Caller,
  wish: BuildWish,
  query: { readonly reason?: string | undefined } = {},
): Promise<{ readonly id: string; readonly operation: Operation }> {
  const source = await takenSource(daemon, caller, wish)
  const id = daemon.env.id()
  const { uploads } = getFarm(daemon).parts
  const operation = await commit(daemon, caller, query, () => decideBuild(daemon, caller, { wish, source, id })).catch(
    async (thrown) => {
      if (source.kind === 'upload') await uploads.remove(source.upload)
      throw thrown
    },
  )
  getFarm(daemon).builds.nudge()
  return { id, operation: operation as Operation }
}

async function takenSource(daemon: Daemon, caller: Caller, { app, source }: BuildWish): Promise<BuildSource> {
  const { uploads } = getFarm(daemon).parts
  if (source && 'upload' in source) {
    const { upload, about, commit, dirty } = source
    if (!uploads.find(upload)) throw new CroftError('NOT_FOUND', 'there is no such upload', { hint: 'send it again' })
    if (!uploads.claim(upload)) throw new CroftError('BUSY', 'this upload is in use', { hint: 'croft op ls' })
    return { kind: 'upload', upload, about, ...(commit === undefined ? {} : { commit }), ...(dirty ? { dirty } : {}) }
  }
  if (source && 'url' in source)
    return { kind: 'url', ...source, ...(caller.token === undefined ? { byRoot: true } : {}) }
  const git = source ? { url: source.git, ref: source.ref } : (await readApp(daemon, app))?.value.git
  if (git) return { kind: 'git', ...git }
  throw new CroftError('BAD_VALUE', `nothing is known of where the code of "${app}" is`, {
    hint: `croft build ${app} --git URL, --tar FILE, or in the folder of its code`,
  })
}

async function decideBuild(
  daemon: Daemon,
  caller: Caller,
  { wish, source, id }: { readonly wish: BuildWish; readonly source: BuildSource; readonly id: string },
): Promise<Change> {
  const { app, version, config, site } = wish
  const known = await readApp(daemon, app)
  if (!known) await assertNameFree(daemon, app)
  const made = { schema: schemaVersion, created: timestamp(daemon.env), by: caller.name }
  const newApp: AppRecord = { ...made, id: daemon.env.uuid(), name: app }
  const record: BuildRecord = {
    ...{ ...made, id, app, source, state: 'running', step: 'queued', tries: 0 },
    ...(version === undefined ? {} : { asked: version }),
    ...(site === undefined ? {} : { site }),
    ...(config === undefined ? {} : { config }),
  }
  return {
    ...{ kind: 'build', name: app, verb: 'build', before: null, after: { id, source: sourceText(source) } },
    compare: [
      { key: keys.build(id), revision: 0 },
      { key: keys.app(app), revision: known?.revision ?? 0 },
    ],
    writes: [
      { put: keys.build(id), value: record },
      { put: keys.app(app), value: known?.value ?? newApp },
    ],
    goal: { kind: 'build', id },
  }
}

export async function getBuildRecord({ store }: Pick<Daemon, 'store'>, id: string): Promise<BuildRecord> {
  const found = await read<BuildRecord>(store, keys.build(id))
  if (found) return found.value
  throw new CroftError('NOT_FOUND', `no build ${id}`, { hint: 'croft build ls' })
}

export async function listBuildViews({ store }: Pick<Daemon, 'store'>): Promise<Build[]> {
  const records = await readAll<BuildRecord>(store, keys.builds)
  return records.map(({ value }) => viewBuild(value)).sort((a, b) => (a.created < b.created ? 1 : -1))
}

export function viewBuild(record: BuildRecord): Build {
  const { id, app, asked, version, commit, source, state, step, created, by, release } = record
  const { finished, already, reason, lines } = record
  return {
    ...{ id, app, version: version ?? asked ?? null, commit: commit ?? null, source: sourceText(source) },
    ...{ state, step, created, by, release: release ?? null },
    ...(finished === undefined ? {} : { finished }),
    ...(already === undefined ? {} : { already }),
    ...(reason === undefined ? {} : { reason }),
    ...(lines === undefined ? {} : { lines }),
  }
}

/** Of its builds, as those of a site: `croft secret set shop/build NPM_TOKEN`. */
export const openBuildSecrets = (
  parts: Pick<HostParts, 'store' | 'seal'>,
  app: string,
): Promise<Record<string, string>> => openSecrets(parts, `${app}/build`)

export function sourceText(source: BuildSource): string {
  if (source.kind === 'git') return `${source.url} ${source.ref}`
  return source.kind === 'url' ? withoutQuery(source.url).slice(0, 200) : source.about
}

/** Of one at work, and of one that waits for its turn. */
export async function cancelBuild(daemon: Daemon, id: string): Promise<void> {
  const { builds } = getFarm(daemon)
  const record = await getBuildRecord(daemon, id)
  if (record.state !== 'running' || builds.cancel(id)) return
  const found = await read<BuildRecord>(daemon.store, keys.build(id))
  if (found?.value.state !== 'running') return
  await daemon.store.transact(
    [{ key: found.key, revision: found.revision }],
    [{ put: found.key, value: { ...found.value, cancel: true } }],
  )
  builds.nudge()
}
