/** A guest's own snapshots, as its host tells of them. */
import { momentOf } from '../../plan/replica.ts'
import type { Store } from '../../store/store.ts'
import { keys } from '../records/keys.ts'
import { read, readAll, type SnapshotRecord, type SnapshotStatus } from '../records/records.ts'
import { lastOf, readReplicas } from '../records/replicas.ts'

export interface OwnSnapshots {
  /** Not to be removed, wherever they lie. */
  readonly wanted: readonly SnapshotRecord[]
  /** Those of them that lie there, the oldest first. */
  readonly ready: readonly SnapshotRecord[]
}

export async function ownSnapshots(
  store: Store,
  { from, number }: { readonly from: string; readonly number: number },
): Promise<OwnSnapshots> {
  const records = (await readAll<SnapshotRecord>(store, keys.snapshotsOf(from, number))).map(({ value }) => value)
  const wanted = records.filter(({ deleting }) => !deleting)
  const ready: SnapshotRecord[] = []
  for (const each of wanted) {
    const status = await read<SnapshotStatus>(store, keys.snapshotStatus(from, each.id))
    if (status?.value.state === 'ready') ready.push(each)
  }
  return { wanted, ready: ready.sort((a, b) => (a.created < b.created ? -1 : 1)) }
}

/** All that goes with a guest to another host, the oldest first: replicas go on from there with what has changed. */
export async function withReplicas(
  store: Store,
  place: { readonly from: string; readonly number: number },
  here: readonly string[],
): Promise<readonly string[]> {
  const { ready } = await ownSnapshots(store, place)
  const lasts = (await readReplicas(store, keys.replicasOf(place.number))).flatMap((pair) => lastOf(pair) ?? [])
  return [
    ...ready.map(({ id, created }) => ({ id, at: Date.parse(created) })),
    ...lasts.filter((id) => here.includes(id)).map((id) => ({ id, at: momentOf(id) })),
  ]
    .sort((a, b) => a.at - b.at)
    .map(({ id }) => id)
}
