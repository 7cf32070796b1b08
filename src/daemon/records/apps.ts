/** Applications as records, and as the API shows them. */
import type { App } from '../../api/app.ts'
import { CroftError } from '../../api/errors.ts'
import type { Store } from '../../store/store.ts'
import type { AppRecord, SiteRecord } from './app-records.ts'
import { keys } from './keys.ts'
import { type Held, read, readAll, type TemplateRecord } from './records.ts'

export const readApp = ({ store }: { readonly store: Store }, name: string): Promise<Held<AppRecord> | undefined> =>
  read<AppRecord>(store, keys.app(name))

export async function getApp(from: { readonly store: Store }, name: string): Promise<Held<AppRecord>> {
  const found = await readApp(from, name)
  if (found) return found
  throw new CroftError('NOT_FOUND', `no app "${name}"`, { hint: 'croft app ls' })
}

export async function listSitesOf({ store }: { readonly store: Store }, app: string): Promise<string[]> {
  const sites = await readAll<SiteRecord>(store, keys.site(`${app}/`))
  return sites.map(({ value }) => `${value.app}/${value.stage}`)
}

/** Releases are templates of this name: of one that is somebody's own template no release could be told apart. */
export async function assertNameFree({ store }: { readonly store: Store }, app: string): Promise<void> {
  const templates = await readAll<TemplateRecord & { readonly release?: unknown }>(store, keys.template(`${app}:`))
  const other = templates.find(({ value }) => value.release === undefined)
  if (other)
    throw new CroftError('EXISTS', `there is a template "${other.value.ref}": no app can bear its name`, {
      hint: `croft template rm ${other.value.ref}, or another name`,
    })
}

export async function viewApp(from: { readonly store: Store }, { revision, value }: Held<AppRecord>): Promise<App> {
  const { name, id, created, by, git } = value
  return { ...{ name, id, revision, created, by }, git: git ?? null, sites: await listSitesOf(from, name) }
}

/** In two reads, however many there are. */
export async function listAppViews({ store }: { readonly store: Store }): Promise<App[]> {
  const [apps, sites] = await Promise.all([
    readAll<AppRecord>(store, keys.apps),
    readAll<SiteRecord>(store, keys.sites),
  ])
  const byApp = Map.groupBy(sites, ({ value }) => value.app)
  return apps.map(({ revision, value: { name, id, created, by, git } }) => ({
    ...{ name, id, revision, created, by, git: git ?? null },
    sites: (byApp.get(name) ?? []).map(({ value }) => `${value.app}/${value.stage}`),
  }))
}
