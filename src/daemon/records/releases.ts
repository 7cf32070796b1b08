/** Releases: templates that a build has made, with what it knows of them. */

import { CroftError } from '../../api/errors.ts'
import type { Release } from '../../api/site.ts'
import type { Daemon } from '../daemon.ts'
import type { ReleaseFacts, SiteRecord } from './app-records.ts'
import { readFarmGuests } from './farm-guests.ts'
import { keys } from './keys.ts'
import { type GuestRecord, type Held, read, readAll, type TemplateRecord } from './records.ts'
import { siteNameOf } from './sites.ts'
import { viewTemplate } from './templates.ts'

export type HeldRelease = Held<TemplateRecord & { readonly release: ReleaseFacts }>

export async function getRelease({ store }: Pick<Daemon, 'store'>, ref: string): Promise<HeldRelease> {
  const found = ref.includes(':') ? await read<TemplateRecord>(store, keys.template(ref)) : undefined
  if (found && isRelease(found)) return found
  const [app = ''] = ref.split(':')
  const known = (await listReleases({ store }, app)).map(({ value }) => value.ref)
  const there = known.length > 0 ? `; there is ${known.slice(-5).join(', ')}` : ''
  throw new CroftError('NOT_FOUND', `no release "${ref}"${there}`, { hint: `croft release ls` })
}

const isRelease = (record: Held<TemplateRecord>): record is HeldRelease => record.value.release !== undefined

/** Of one app, or of all; oldest first. */
export async function listReleases({ store }: Pick<Daemon, 'store'>, app?: string): Promise<HeldRelease[]> {
  const records = await readAll<TemplateRecord>(store, app === undefined ? keys.templates : keys.template(`${app}:`))
  return records.filter(isRelease).sort((a, b) => (a.value.created < b.value.created ? -1 : 1))
}

export async function listReleaseViews(daemon: Daemon, app?: string): Promise<Release[]> {
  const [releases, sites] = await Promise.all([
    listReleases(daemon, app),
    readAll<SiteRecord>(daemon.store, keys.sites),
  ])
  const guests = await readFarmGuests(daemon.store)
  const views = await Promise.all(releases.map((release) => viewRelease(daemon, release, { guests, sites })))
  return views.toReversed()
}

export async function viewRelease(
  daemon: Daemon,
  record: HeldRelease,
  { guests, sites }: { readonly guests: readonly Held<GuestRecord>[]; readonly sites: readonly Held<SiteRecord>[] },
): Promise<Release> {
  const { state, created, sizeBytes, usedBy, ref } = await viewTemplate(daemon, record, guests)
  const { app, version, commit, source, platform, by, buildSeconds, hash } = record.value.release
  const served = sites.filter(({ value }) => value.release === ref).map(({ value }) => siteNameOf(value))
  return {
    ...{ ref, app, version, commit, source, platform, state, created, by, buildSeconds, sizeBytes, hash },
    usedBy: [...new Set([...served, ...usedBy])],
  }
}
