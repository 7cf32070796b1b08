/** Sites as records: what is known of one, and how it begins. */
import { CroftError } from '../../api/errors.ts'
import type { Store } from '../../store/store.ts'
import type { Daemon } from '../daemon.ts'
import { timestamp } from '../env.ts'
import type { HostParts } from '../host/parts.ts'
import type { Caller } from '../http/access.ts'
import type { AppRecord, SiteRecord, SiteSecretRecord } from './app-records.ts'
import { assertNameFree, readApp } from './apps.ts'
import { type Change, commit } from './change.ts'
import { keys } from './keys.ts'
import { type Held, read, readAll, schemaVersion } from './records.ts'

type Stored = { readonly store: Store }

export const siteNameOf = ({ app, stage }: Pick<SiteRecord, 'app' | 'stage'>): string => `${app}/${stage}`

export const readSite = ({ store }: Stored, name: string): Promise<Held<SiteRecord> | undefined> =>
  read<SiteRecord>(store, keys.site(name))

export async function getSite(from: Stored, name: string): Promise<Held<SiteRecord>> {
  const found = await readSite(from, name)
  if (found) return found
  throw new CroftError('NOT_FOUND', `no site "${name}"`, { hint: 'croft site ls' })
}

/** One that may be changed: it is not on its way out, nor to another host. */
export async function getSiteToChange(from: Stored, name: string): Promise<Held<SiteRecord>> {
  const found = await getSite(from, name)
  if (found.value.moving) throw movingError(name, found.value.moving)
  if (!found.value.deleting) return found
  throw new CroftError('BUSY', `site "${name}" is being removed`, { hint: `croft site show ${name}` })
}

export const movingError = (name: string, { to }: NonNullable<SiteRecord['moving']>): CroftError =>
  new CroftError('BUSY', `site "${name}" is on its way to ${to}, with its data`, {
    hint: 'croft op ls · croft op cancel ID',
  })

/** Its app begins with it, when that is new. Throws EXISTS when the site is there. */
export async function createSite(
  daemon: Daemon,
  caller: Caller,
  name: string,
  query: { readonly reason?: string | undefined } = {},
): Promise<void> {
  await commit(daemon, caller, query, () => decideSite(daemon, caller, name))
}

/** As it will be, and is not yet. */
export function freshSite({ env }: Pick<Daemon, 'env'>, { name: by }: Caller, name: string): SiteRecord {
  const [app = '', stage = ''] = name.split('/')
  const made = { schema: schemaVersion, id: env.uuid(), created: timestamp(env), by }
  return { ...made, app, stage, generation: 1, release: null, run: 'running', previous: [] }
}

export async function decideSite(daemon: Daemon, caller: Caller, name: string): Promise<Change> {
  const key = keys.site(name)
  if (await read(daemon.store, key))
    throw new CroftError('EXISTS', `there is a site "${name}"`, { hint: `croft site show ${name}` })
  const [app = ''] = name.split('/')
  const known = await readApp(daemon, app)
  if (!known) await assertNameFree(daemon, app)
  const site = freshSite(daemon, caller, name)
  const { schema, created, by } = site
  const newApp: AppRecord = { schema, created, by, id: daemon.env.uuid(), name: app }
  return {
    ...{ kind: 'site', name, verb: 'add', before: null, after: { release: null, run: 'running' } },
    compare: [
      { key, revision: 0 },
      { key: keys.app(app), revision: known?.revision ?? 0 },
    ],
    // The app is written anew in any case: who removes it meanwhile looks again.
    writes: [
      { put: key, value: site },
      { put: keys.app(app), value: known?.value ?? newApp },
    ],
  }
}

/** Name → text. What cannot be opened is DATA_LOST, and names the secret. */
export async function openSecrets(
  { store, seal }: Pick<HostParts, 'store' | 'seal'>,
  site: string,
): Promise<Record<string, string>> {
  const records = await readAll<SiteSecretRecord>(store, keys.siteSecrets(site))
  if (records.length === 0) return {}
  const { open } = await seal()
  return Object.fromEntries(records.map(({ key, value }) => [value.name, open(key, value.sealed)]))
}
