/** What the store wishes of one guest of this host, read at the begin of a pass. */
import type { GuestStatus } from '../../api/guest.ts'
import type { Store } from '../../store/store.ts'
import type { VolumeRecord } from '../records/app-records.ts'
import { keys } from '../records/keys.ts'
import {
  type GuestRecord,
  type Held,
  read,
  readAll,
  type SnapshotRecord,
  type SnapshotStatus,
} from '../records/records.ts'

export interface Wishes {
  readonly guest: Held<GuestRecord>
  readonly status: GuestStatus | undefined
  /** Of its site; those that a record tells of. */
  readonly volumes: readonly { readonly record: VolumeRecord; readonly made: boolean }[]
  readonly snapshots: readonly { readonly record: Held<SnapshotRecord>; readonly status: SnapshotStatus | undefined }[]
}

/** A guest that is held, or down for the last of its move, counts as one that shall be stopped, until somebody changes or starts it. */
export async function readWishes(store: Store, host: string, number: number): Promise<Wishes | undefined> {
  const guest = await read<GuestRecord>(store, keys.guest(host, number))
  if (!guest) return undefined
  const status = await read<GuestStatus>(store, keys.guestStatus(host, number))
  const records = await readAll<SnapshotRecord>(store, keys.snapshotsOf(host, number))
  const snapshots = await Promise.all(
    records.map(async (record) => ({
      record,
      status: (await read<SnapshotStatus>(store, keys.snapshotStatus(host, record.value.id)))?.value,
    })),
  )
  const volumes = await readVolumes(store, host, guest.value)
  const held = status?.value.held === guest.value.generation || guest.value.moving?.quiet === true
  return { guest: held ? stopped(guest) : guest, status: status?.value, snapshots, volumes }
}

async function readVolumes(store: Store, host: string, { spec }: GuestRecord): Promise<Wishes['volumes']> {
  const found = await Promise.all(
    (spec.volumes ?? []).map(async ({ id }) => {
      const record = await read<VolumeRecord>(store, keys.volume(host, id))
      return (
        record && { record: record.value, made: (await store.get(keys.volumeStatus(host, id))).entry !== undefined }
      )
    }),
  )
  return found.filter((volume) => volume !== undefined)
}

const stopped = (guest: Held<GuestRecord>): Held<GuestRecord> => ({
  ...guest,
  value: { ...guest.value, spec: { ...guest.value.spec, run: 'stopped' } },
})
