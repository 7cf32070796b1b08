/** Takes away releases and bases that nobody needs any longer. */

import { isCode } from '../../api/errors.ts'
import { type KeptRelease, oldBases, oldReleases } from '../../plan/retention.ts'
import type { Daemon } from '../daemon.ts'
import type { SiteRecord } from '../records/app-records.ts'
import { readFarmGuests } from '../records/farm-guests.ts'
import { keys } from '../records/keys.ts'
import { readAll, type TemplateRecord } from '../records/records.ts'
import { removeTemplate } from '../records/template-removal.ts'
import { isBase } from '../records/templates.ts'

const caller = { name: 'croft', role: 'operator' } as const

export async function removeOld(daemon: Daemon): Promise<void> {
  const templates = (await readAll<TemplateRecord>(daemon.store, keys.templates)).map(({ value }) => value)
  const releases = templates.flatMap(({ ref, created, release, deleting }): KeptRelease[] =>
    release && !deleting ? [{ ref, created, app: release.app, base: release.base }] : [],
  )
  const bases = templates.filter(({ ref, deleting }) => isBase(ref) && !deleting)
  const old = [...oldReleases(releases, await releasesInUse(daemon)), ...oldBases(bases, releases, daemon.env.now())]
  for (const ref of old)
    await removeTemplate(daemon, caller, ref, { reason: 'old, and nobody runs it' }).catch((thrown) => {
      if (!isCode(thrown, 'IN_USE') && !isCode(thrown, 'TEMPLATE_NOT_FOUND')) throw thrown
    })
}

/** What runs, and what a site may return to. */
async function releasesInUse(daemon: Daemon): Promise<ReadonlySet<string>> {
  const guests = await readFarmGuests(daemon.store)
  const sites = await readAll<SiteRecord>(daemon.store, keys.sites)
  return new Set([
    ...guests.map(({ value }) => value.spec.template),
    ...sites.flatMap(({ value }) => [...(value.release === null ? [] : [value.release]), ...value.previous]),
  ])
}
