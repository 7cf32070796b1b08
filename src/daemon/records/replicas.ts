/**
 * Replicas of guests, as records. The wish is written by who asks for it; what has come of it by the host that has the guest, and
 * both go along when the guest moves.
 */
import type { ErrorBody } from '../../api/errors.ts'
import { momentOf, type Timing } from '../../plan/replica.ts'
import type { Compare, Store, Write } from '../../store/store.ts'
import { readFarmGuests } from './farm-guests.ts'
import { keys } from './keys.ts'
import { type GuestRecord, type Held, read, readAll } from './records.ts'

export interface ReplicaRecord {
  readonly schema: number
  readonly id: string
  readonly number: number
  /** The guest's id: a number may be another's one day. */
  readonly guest: string
  /** Where it lies, and where the guest is. */
  readonly host: string
  readonly from: string
  /** Null: made once. */
  readonly everyMs: number | null
  /** At most so many bytes in a second. */
  readonly rate?: number
  readonly by: string
  readonly created: string
  /** It shall be as the guest is at this moment, or later. */
  readonly asked: string
  /** `cleared`: nothing of it is left where the guest is. */
  readonly deleting?: true
  readonly cleared?: true
}

export interface ReplicaStatus {
  /** Of the record that it is of. */
  readonly id: string
  readonly last?: { readonly disk: string; readonly bytes: number; readonly tookMs: number }
  readonly failed?: ErrorBody
  /** That it is late was told. */
  readonly late?: true
  /** When this was written, and what the guest is called: for events. */
  readonly at?: string
  readonly name?: string
  /** What lay where the guest went, and tells nothing new. */
  readonly turned?: true
}

export interface ReplicaPair {
  readonly record: Held<ReplicaRecord>
  readonly status: Held<ReplicaStatus> | undefined
}

type Place = Pick<ReplicaRecord, 'number' | 'host'>

export const replicaGoal = (id: string) => ({ kind: 'replica', id }) as const

export async function findReplica(store: Store, { number, host }: Place): Promise<ReplicaPair | undefined> {
  const record = await read<ReplicaRecord>(store, keys.replica(number, host))
  return record && pairOf(record, await read<ReplicaStatus>(store, keys.replicaStatus(number, host)))
}

export async function readReplicas(store: Store, prefix: string = keys.replicas): Promise<readonly ReplicaPair[]> {
  const records = await readAll<ReplicaRecord>(store, prefix)
  if (records.length === 0) return []
  const statuses = new Map(
    (await readAll<ReplicaStatus>(store, keys.replicaStatuses)).map((status) => [status.key, status]),
  )
  return records.map((record) => {
    const { number, host } = record.value
    return pairOf(record, statuses.get(keys.replicaStatus(number, host)))
  })
}

/** What was said of a former one counts for nothing. */
const pairOf = (record: Held<ReplicaRecord>, status: Held<ReplicaStatus> | undefined): ReplicaPair => ({
  record,
  status: status?.value.id === record.value.id ? status : undefined,
})

export const timingOf = ({ record, status }: ReplicaPair): Timing => {
  const disk = status?.value.last?.disk
  return {
    everyMs: record.value.everyMs,
    askedAt: Date.parse(record.value.asked),
    lastAt: disk === undefined ? undefined : momentOf(disk),
  }
}

export const isMet = (pair: ReplicaPair): boolean => {
  const { askedAt, lastAt } = timingOf(pair)
  return lastAt !== undefined && lastAt >= askedAt
}

export const lastOf = ({ status }: ReplicaPair): string | undefined => status?.value.last?.disk

/** The guest that it is of, where it is. */
export async function guestOfReplica(store: Store, replica: ReplicaRecord): Promise<Held<GuestRecord> | undefined> {
  const guest = await read<GuestRecord>(store, keys.guest(replica.from, replica.number))
  return guest?.value.id === replica.guest ? guest : undefined
}

/** Wherever it is. */
export async function hostOfGuest(store: Store, { guest }: ReplicaRecord): Promise<string | undefined> {
  return (await readFarmGuests(store)).find(({ value }) => value.id === guest)?.value.host
}

/** Of the record as it was read: where the guest has moved since, this host tells nothing of it any more. */
export const writeStatus = (store: Store, held: Held<ReplicaRecord>, status: ReplicaStatus): Promise<unknown> =>
  store.transact([same(held)], [{ put: keys.replicaStatus(held.value.number, held.value.host), value: status }])

export const changeReplica = (
  store: Store,
  held: Held<ReplicaRecord>,
  change: Partial<ReplicaRecord>,
): Promise<unknown> =>
  store.transact([same(held)], [{ put: held.key, value: { ...held.value, ...change } satisfies ReplicaRecord }])

export const forgetReplica = (store: Store, held: Held<ReplicaRecord>): Promise<unknown> =>
  store.transact([same(held)], removalOf(held.value))

export const removalOf = ({ number, host }: Place): Write[] => [
  { delete: keys.replica(number, host) },
  { delete: keys.replicaStatus(number, host) },
]

export const same = ({ key, revision }: Held<unknown>): Compare => ({ key, revision })

/**
 * For the transaction in which a guest changes its host. What lies where it goes changes places with it, and is the replica from
 * then on; the others stay where they are.
 */
export async function moveReplicas(
  store: Store,
  { number, from, to }: { readonly number: number; readonly from: string; readonly to: string },
): Promise<{ readonly compare: Compare[]; readonly writes: Write[] }> {
  const pairs = await readReplicas(store, keys.replicasOf(number))
  const writes = pairs.flatMap(({ record, status }): Write[] => {
    const { value } = record
    if (value.host !== to) return [{ put: record.key, value: { ...value, from: to } satisfies ReplicaRecord }]
    if (value.deleting || !status?.value.last) return removalOf(value)
    const turned: ReplicaRecord = { ...value, host: from, from: to }
    return [
      ...removalOf(value),
      { put: keys.replica(number, from), value: turned },
      { put: keys.replicaStatus(number, from), value: { ...status.value, turned: true } satisfies ReplicaStatus },
    ]
  })
  return { compare: pairs.map(({ record }) => same(record)), writes }
}
