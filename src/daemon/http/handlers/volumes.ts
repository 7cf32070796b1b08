/** Lasting data: shown with who has it, and removed where nothing has it any more. */
import { CroftError } from '../../../api/errors.ts'
import type { Volume } from '../../../api/volume.ts'
import { type Daemon, getFarm } from '../../daemon.ts'
import { poolOfVolumes } from '../../host/volume-loop.ts'
import type { MembersRecord, RolloutRecord, SiteRecord, VolumeRecord } from '../../records/app-records.ts'
import { type Change, commit } from '../../records/change.ts'
import { readFarmGuests } from '../../records/farm-guests.ts'
import { keys } from '../../records/keys.ts'
import { type Held, read } from '../../records/records.ts'
import { movingError } from '../../records/sites.ts'
import { hostOfVolume } from '../../records/volume-places.ts'
import { listVolumes } from '../../records/volumes.ts'
import type { Handlers } from '../handler.ts'

export const handlers = {
  async listVolumes(daemon, { query }): Promise<Volume[]> {
    const volumes = await listVolumes(daemon, query.site)
    const guests = await usersOf(daemon)
    const views = await Promise.all(volumes.map((volume) => viewVolume(daemon, volume, guests)))
    return views.sort((a, b) => (a.name < b.name ? -1 : 1))
  },

  async removeVolume(daemon, { params, query, caller }) {
    const decide = () => decideRemoval(daemon, keys.volume(params.host, params.volume))
    const { name, writes } = await decide()
    if (query.dryRun)
      return {
        ...{ operation: null, result: null },
        steps: writes.length === 0 ? [] : [{ what: name, step: 'rm', detail: 'lasting data' }],
      }
    await commit(daemon, caller, query, decide)
    return { operation: null, result: null }
  },
} satisfies Partial<Handlers>

const nameOf = ({ site, name }: VolumeRecord): string => `${site}:${name}`

/** By host and id. */
async function usersOf({ store }: Daemon): Promise<ReadonlyMap<string, readonly string[]>> {
  const guests = await readFarmGuests(store)
  const pairs = guests.flatMap(({ value: { name, host, spec } }) =>
    (spec.volumes ?? []).map(({ id }) => ({ at: `${host}/${id}`, name })),
  )
  const grouped = Map.groupBy(pairs, ({ at }) => at)
  return new Map([...grouped].map(([at, all]) => [at, all.map(({ name }) => name).sort()]))
}

async function viewVolume(
  daemon: Daemon,
  volume: Held<VolumeRecord>,
  users: ReadonlyMap<string, readonly string[]>,
): Promise<Volume> {
  const { id, site, sizeBytes, created, deleting } = volume.value
  const host = hostOfVolume(volume)
  const guests = users.get(`${host}/${id}`) ?? []
  const state = deleting
    ? 'removing'
    : guests.length > 0
      ? 'used'
      : isCache(volume) || (await isAsked(daemon, volume))
        ? 'idle'
        : 'orphan'
  const { parts } = getFarm(daemon)
  const usage = async () => parts.storage(poolOfVolumes).usage({ kind: 'volume', id })
  const used = host === parts.host.name ? await usage().catch(() => undefined) : undefined
  return {
    name: nameOf(volume.value),
    id,
    site,
    host,
    state,
    sizeBytes,
    usedBytes: used?.usedBytes ?? null,
    created,
    guests,
  }
}

/** By the next build; what is in there can be made anew. */
const isCache = ({ value: { site } }: Held<VolumeRecord>): boolean => site.endsWith('/build')

/** By what its site runs with: an instance that comes again has it. */
async function isAsked({ store }: Daemon, { value: { site, name } }: Held<VolumeRecord>): Promise<boolean> {
  const members = await read<MembersRecord>(store, keys.membersOf(site))
  return members?.value.serves?.config.data[name] !== undefined
}

async function decideRemoval(daemon: Daemon, key: string): Promise<Change> {
  const { store } = daemon
  const volume = await read<VolumeRecord>(store, key)
  if (!volume) throw new CroftError('NOT_FOUND', 'no such volume', { hint: 'croft volume ls' })
  const { site } = volume.value
  const name = nameOf(volume.value)
  const [place, members, rollout] = await Promise.all([
    read<SiteRecord>(store, keys.site(site)),
    read<MembersRecord>(store, keys.membersOf(site)),
    read<RolloutRecord>(store, keys.rollout(site)),
  ])
  if (place?.value.moving) throw movingError(site, place.value.moving)
  if (rollout?.value.state === 'running')
    throw new CroftError('BUSY', `${site} is being deployed`, { hint: `croft site show ${site}` })
  const [first] = (await usersOf(daemon)).get(`${hostOfVolume(volume)}/${volume.value.id}`) ?? []
  if (first !== undefined) throw new CroftError('IN_USE', `${first} has ${name}`, { hint: `croft volume show ${name}` })
  if (await isAsked(daemon, volume))
    throw new CroftError('IN_USE', `${site} runs with ${name}`, {
      hint: `deploy ${site} without [data.${volume.value.name}], or croft site rm ${site} --discard-data`,
    })
  return {
    ...{ kind: 'volume', name, verb: 'rm', before: { sizeBytes: volume.value.sizeBytes }, after: null },
    // An instance that is made meanwhile compares its site's members: who comes second looks again.
    compare: [
      { key, revision: volume.revision },
      { key: keys.site(site), revision: place?.revision ?? 0 },
      { key: keys.membersOf(site), revision: members?.revision ?? 0 },
      { key: keys.rollout(site), revision: rollout?.revision ?? 0 },
    ],
    writes: volume.value.deleting
      ? []
      : [
          { put: key, value: { ...volume.value, deleting: true } satisfies VolumeRecord },
          ...(members ? [{ put: members.key, value: members.value }] : []),
        ],
  }
}
