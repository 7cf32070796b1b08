/** How a site goes: its instances first, by the loop that made them, then all that is known of it. */
import { CroftError } from '../../api/errors.ts'
import type { WriteQuery } from '../../api/schemas.ts'
import type { Write } from '../../store/store.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import { assertRevision, type Change } from './change.ts'
import { keys } from './keys.ts'
import { type GuestRecord, read, readAll } from './records.ts'
import { getSite } from './sites.ts'
import { listVolumes } from './volumes.ts'

type Query = WriteQuery & { readonly discardData?: boolean | undefined }

export async function decideRemoval(daemon: Daemon, name: string, query: Query): Promise<Change> {
  const { key, revision, value } = await getSite(daemon, name)
  assertRevision(query, revision, name)
  const volumes = (await listVolumes(daemon, name)).filter(({ value }) => !value.deleting)
  if (volumes.length > 0 && !query.discardData)
    throw new CroftError(
      'REFUSED',
      `site "${name}" has lasting data: ${volumes.map(({ value }) => value.name).join(', ')}`,
      {
        hint: `croft site rm ${name} --discard-data`,
      },
    )
  // Their disks go when the last instance has gone.
  const discards = volumes.map((volume): Write => ({ put: volume.key, value: { ...volume.value, deleting: true } }))
  const { release, run } = value
  const change = { ...{ kind: 'site', name, verb: 'rm' }, before: { release, run }, after: null }
  // Every change of configuration and secrets writes this one: none comes in between.
  const config = await read(daemon.store, keys.siteConfig(name))
  const compare = [
    { key, revision },
    { key: keys.siteConfig(name), revision: config?.revision ?? 0 },
  ]
  if (!(await hasInstances(daemon, name)))
    return { ...change, compare, writes: [{ delete: key }, ...(await allOf(daemon, name)), ...discards] }
  const leaving = { ...value, deleting: true as const, run: 'stopped' as const, generation: value.generation + 1 }
  return { ...change, compare, writes: value.deleting ? [] : [{ put: key, value: leaving }, ...discards] }
}

async function hasInstances(daemon: Daemon, site: string): Promise<boolean> {
  const { host } = getFarm(daemon).parts
  const guests = await readAll<GuestRecord>(daemon.store, keys.guests(host.name))
  return guests.some(({ value: { spec } }) => spec.part?.kind === 'instance' && spec.part.site === site)
}

/** Beside the site itself: few enough for one transaction. */
async function allOf(daemon: Daemon, name: string): Promise<Write[]> {
  const secrets = await readAll(daemon.store, keys.siteSecrets(name))
  return [keys.siteConfig(name), keys.membersOf(name), keys.rollout(name), ...secrets.map(({ key }) => key)].map(
    (each) => ({ delete: each }),
  )
}
