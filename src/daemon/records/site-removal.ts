/**
 * How a site goes: it is marked, and the loop of rollouts takes away what runs of it; then all that is known of it goes in
 * one transaction.
 */
import { CroftError } from '../../api/errors.ts'
import type { PlannedStep } from '../../api/resources.ts'
import type { WriteQuery } from '../../api/schemas.ts'
import type { Write } from '../../store/store.ts'
import type { Daemon } from '../daemon.ts'
import type { Caller } from '../http/access.ts'
import type { RolloutRecord, SiteRecord, VolumeRecord } from './app-records.ts'
import { assertRevision, type Change, commit } from './change.ts'
import { keys } from './keys.ts'
import { type Held, read, readAll } from './records.ts'
import { routesOf } from './site-routes.ts'
import { viewSite } from './site-views.ts'
import { getSite, movingError } from './sites.ts'
import { listVolumes } from './volumes.ts'

type Query = WriteQuery & { readonly discardData?: boolean | undefined }

/** Of the operation that the removal of a site is. */
export const removalGoal = (site: string) => ({ kind: 'rollout', id: `rm ${site}` }) as const

export async function decideRemoval(daemon: Daemon, name: string, query: Query): Promise<Change> {
  const site = await getSite(daemon, name)
  assertRevision(query, site.revision, name)
  const { deleting, moving, release, run } = site.value
  if (moving) throw movingError(name, moving)
  const volumes = (await listVolumes(daemon, name)).filter(({ value }) => !value.deleting)
  if (volumes.length > 0 && !query.discardData && !deleting) throw hasData(name, volumes)
  const rollout = await read<RolloutRecord>(daemon.store, keys.rollout(name))
  return {
    ...{ kind: 'site', name, verb: 'rm', before: { release, run }, after: null },
    compare: [
      { key: site.key, revision: site.revision },
      { key: keys.rollout(name), revision: rollout?.revision ?? 0 },
    ],
    writes: deleting ? [] : [{ put: site.key, value: leaving(site.value) }, ...cancelled(rollout)],
    goal: removalGoal(name),
  }
}

/** What goes with it, as it is there now. */
export async function removalSteps(daemon: Daemon, name: string): Promise<PlannedStep[]> {
  const step = (what: string, detail: string): PlannedStep => ({ what, step: 'rm', detail })
  const [{ instances }, routes, volumes] = await Promise.all([
    viewSite(daemon, name),
    routesOf(daemon, name),
    listVolumes(daemon, name),
  ])
  return [
    ...instances.map((each) => step(each.name, 'instance')),
    ...routes.map((each) => step(each.name, 'route')),
    ...volumes.filter(({ value }) => !value.deleting).map(({ value }) => step(value.name, 'lasting data')),
    step(name, 'site, its configuration and secrets'),
  ]
}

/** Nothing of it runs any more: what is known of it goes, lasting data too, for that was asked before. */
export async function finishRemoval(daemon: Daemon, caller: Caller, name: string): Promise<void> {
  await commit(daemon, caller, {}, () => decideEnd(daemon, name))
  const { operations } = daemon
  operations.settle(removalGoal(name), operations.mark(), { end: 'gone' })
}

async function decideEnd(daemon: Daemon, name: string): Promise<Change> {
  const { store } = daemon
  const site = await getSite(daemon, name)
  // Every change of configuration and secrets writes the first of these: none comes in between.
  const known = [keys.siteConfig(name), keys.membersOf(name), keys.rollout(name)]
  const revisions = await Promise.all(
    known.map(async (key) => ({ key, revision: (await read(store, key))?.revision ?? 0 })),
  )
  const [secrets, ran] = [await readAll(store, keys.siteSecrets(name)), await readAll(store, keys.ranOf(name))]
  const volumes = await listVolumes(daemon, name)
  return {
    ...{ kind: 'site', name, verb: 'removed', before: null, after: null },
    compare: [{ key: site.key, revision: site.revision }, ...revisions],
    writes: [
      ...[site, ...secrets, ...ran].map(({ key }) => ({ delete: key })),
      { delete: keys.exits(name) },
      ...known.map((key) => ({ delete: key })),
      ...volumes.filter(({ value }) => !value.deleting).map(discarded),
    ],
  }
}

const leaving = (site: SiteRecord): SiteRecord => ({
  ...site,
  ...{ deleting: true, run: 'stopped', generation: site.generation + 1 },
})

/** What is on its way to the site turns back, as long as there is a way back. */
function cancelled(rollout: Held<RolloutRecord> | undefined): Write[] {
  if (rollout?.value.state !== 'running' || rollout.value.step === 'retire') return []
  return [{ put: rollout.key, value: { ...rollout.value, cancel: true } }]
}

const discarded = ({ key, value }: Held<VolumeRecord>): Write => ({ put: key, value: { ...value, deleting: true } })

const hasData = (name: string, volumes: readonly Held<VolumeRecord>[]): CroftError =>
  new CroftError('REFUSED', `site "${name}" has lasting data: ${volumes.map(({ value }) => value.name).join(', ')}`, {
    hint: `croft site rm ${name} --discard-data`,
  })
