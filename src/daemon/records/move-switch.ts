/** The one transaction of a move, and what is written for it before: seen by nobody there before the guests are. */
import { CroftError } from '../../api/errors.ts'
import type { GuestStatus } from '../../api/guest.ts'
import type { Store, Write } from '../../store/store.ts'
import { timestamp } from '../env.ts'
import type { SeedRecord, VolumeRecord } from './app-records.ts'
import { keys } from './keys.ts'
import { goersOf, inBatches, type MoveRecord, type Part, type Parts, same, staySite } from './moves.ts'
import { type GuestRecord, type Held, read, readAll, type SnapshotRecord, type SnapshotStatus } from './records.ts'
import { moveReplicas } from './replicas.ts'

export async function switchHost(parts: Parts, move: Held<MoveRecord>, guests: readonly Held<GuestRecord>[]) {
  const { store } = parts
  await writeAhead(parts, move.value)
  const [switches, data, replicas] = await Promise.all([
    Promise.all(guests.map((guest) => switchGuest(parts, move.value, guest))),
    switchData(parts, move.value),
    moveReplicas(store, move.value),
  ])
  const all = [...switches, data, replicas]
  await store.transact(
    [same(move), ...all.flatMap(({ compare }) => compare)],
    [
      ...all.flatMap(({ writes }) => writes),
      { put: move.key, value: { ...move.value, phase: 'switched', switched: true } satisfies MoveRecord },
    ],
  )
}

async function writeAhead(parts: Parts, move: MoveRecord): Promise<void> {
  for (const { number } of goersOf(move)) {
    await writeSnapshots(parts.store, { ...move, number })
    await writeSeed(parts, { ...move, number })
  }
}

type Way = Pick<MoveRecord, 'from' | 'to' | 'number'>

async function writeSnapshots(store: Store, { from, to, number }: Way): Promise<void> {
  const writes: Write[] = []
  for (const { value } of await readAll<SnapshotRecord>(store, keys.snapshotsOf(from, number))) {
    const status = await read<SnapshotStatus>(store, keys.snapshotStatus(from, value.id))
    writes.push({ put: keys.snapshot(to, number, value.name), value })
    if (status) writes.push({ put: keys.snapshotStatus(to, value.id), value: status.value })
  }
  await inBatches(store, writes)
}

/** Sealed for its key: so it is sealed anew. */
async function writeSeed({ store, seal }: Parts, { from, to, number }: Way): Promise<void> {
  const [here, there] = [keys.seed(from, number), keys.seed(to, number)]
  const seed = await read<SeedRecord>(store, here)
  if (!seed) return
  const sealer = await seal()
  const value: SeedRecord = { ...seed.value, sealed: sealer.seal(there, sealer.open(here, seed.value.sealed)) }
  await store.transact([], [{ put: there, value }])
}

async function switchGuest({ store, env }: Parts, move: MoveRecord, guest: Held<GuestRecord>): Promise<Part> {
  const { from, to } = move
  const { moving: _, ...free } = guest.value
  const { number, name } = free
  const slot = goersOf(move).find((goer) => goer.number === number)?.slot ?? free.slot
  const record: GuestRecord = { ...free, host: to, slot }
  const status = await read<GuestStatus>(store, keys.guestStatus(from, number))
  const was = status?.value && withoutReason(status.value)
  const anew = was && move.data ? withoutRoot(was) : was
  const now = timestamp(env)
  const there: GuestStatus = { generation: 0, ...anew, state: 'stopped', since: now, at: now, name }
  return {
    compare: [same(guest), { key: keys.guest(to, number), revision: 0 }],
    writes: [
      { delete: guest.key },
      { delete: keys.guestStatus(from, number) },
      { put: keys.guest(to, number), value: record },
      { put: keys.guestStatus(to, number), value: there },
      { put: keys.name(name), value: { kind: 'guest', host: to, number } },
      ...addressWrites(record),
    ],
  }
}

const withoutReason = ({ reason: _, ...rest }: GuestStatus): GuestStatus => rest
const withoutRoot = ({ rootId: _, seed: __, ...rest }: GuestStatus): GuestStatus => rest

/** Of networks of the site: they come in wherever the guest is. */
const addressWrites = ({ host, number, spec }: GuestRecord): Write[] =>
  (spec.addresses ?? []).map(({ address }) => ({ put: keys.address(address), value: { host, number } }))

/** Reported as made: nothing empty is ever put in its place. */
async function switchData({ store, env }: Parts, { data, from, to }: MoveRecord): Promise<Part> {
  if (!data) return { compare: [], writes: [] }
  const held = await Promise.all(data.volumes.map(({ id }) => read<VolumeRecord>(store, keys.volume(from, id))))
  const volumes = held.filter((volume) => volume !== undefined)
  if (volumes.length < data.volumes.length) throw new CroftError('CANCELLED', 'its lasting data was removed meanwhile')
  const site = await staySite(store, data)
  return {
    compare: [
      ...volumes.map(same),
      ...volumes.map(({ value: { id } }) => ({ key: keys.volume(to, id), revision: 0 })),
      ...site.compare,
    ],
    writes: [
      ...volumes.flatMap(({ key, value }) => [
        { delete: key },
        { delete: keys.volumeStatus(from, value.id) },
        { put: keys.volume(to, value.id), value },
        { put: keys.volumeStatus(to, value.id), value: { at: timestamp(env) } },
      ]),
      ...site.writes,
    ],
  }
}
