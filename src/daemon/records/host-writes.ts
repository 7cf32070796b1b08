/** The records that the host writes: status, and the end of what was asked to go. */

import { isCode } from '../../api/errors.ts'
import type { GuestStatus } from '../../api/guest.ts'
import { freeNumber, freeSlot } from '../../plan/numbers.ts'
import { movePromise, nothingPromised, promiseOf } from '../../plan/promised.ts'
import type { Compare, Store, Write } from '../../store/store.ts'
import { type Env, timestamp } from '../env.ts'
import type { Wishes } from '../host/wishes.ts'
import { keys } from './keys.ts'
import { mostReserved } from './ports.ts'
import {
  type GuestRecord,
  type Held,
  type HostRecord,
  type NumbersRecord,
  read,
  readAll,
  type SnapshotStatus,
  type TemplateRecord,
  type TemplateStatus,
} from './records.ts'
import type { ReplicaRecord } from './replicas.ts'

interface Writer {
  readonly env: Env
  readonly store: Store
  readonly host: HostRecord
}

export async function writeGuestStatus({ store, host }: Writer, number: number, status: GuestStatus): Promise<void> {
  await store.transact([], [{ put: keys.guestStatus(host.name, number), value: status }])
}

export async function writeSnapshotStatus(
  { env, store, host }: Writer,
  wishes: Wishes,
  id: string,
  state: SnapshotStatus['state'],
): Promise<void> {
  const snapshot = wishes.snapshots.find(({ record }) => record.value.id === id)?.record.value
  if (!snapshot) return
  const name = `${wishes.guest.value.name}@${snapshot.name}`
  const status: SnapshotStatus = { state, at: timestamp(env), name }
  await store.transact([], [{ put: keys.snapshotStatus(host.name, id), value: status }])
}

export async function writeVolumeStatus({ env, store, host }: Writer, id: string): Promise<void> {
  await store.transact([], [{ put: keys.volumeStatus(host.name, id), value: { at: timestamp(env) } }])
}

export async function removeSnapshotRecord(writer: Writer, key: string, id: string): Promise<void> {
  const { store, host } = writer
  await store.transact([], [{ delete: key }, { delete: keys.snapshotStatus(host.name, id) }, removal(writer)])
}

export async function removeTemplateRecord(writer: Writer, key: string, id: string): Promise<void> {
  const { store, host } = writer
  await store.transact([], [{ delete: key }, { delete: keys.templateStatus(host.name, id) }, removal(writer)])
}

const removal = ({ env, host }: Writer): Write => ({ put: keys.removal(host.name), value: { at: timestamp(env) } })

/** How it came to be is forgotten: it is needed once, and may hold a password. One on its way out stays that. */
export async function forgetMaking({ store }: Writer, { key, revision, value }: Held<TemplateRecord>): Promise<void> {
  const { making, ...made } = value
  if (!making) return
  await store.transact([{ key, revision }], [{ put: key, value: made }]).catch((thrown) => {
    if (!isCode(thrown, 'CHANGED_MEANWHILE')) throw thrown
  })
}

export async function writeTemplateStatus({ store, host }: Writer, id: string, status: TemplateStatus): Promise<void> {
  await store.transact([], [{ put: keys.templateStatus(host.name, id), value: status }])
}

/** Takes the guest, its name, ports, snapshots and status away and lets its number rest. Tried again when numbers moved. */
export async function removeGuestRecords(writer: Writer, wishes: Wishes): Promise<void> {
  const { store, host, env } = writer
  const guest = wishes.guest.value
  for (const { record } of wishes.snapshots) await removeSnapshotRecord(writer, record.key, record.value.id)
  const reserved = reservationsOf(guest)
  // More than a guest may have now: the record goes with the last of them.
  while (reserved.length > mostReserved) await freeOwn(writer, guest.number, reserved.splice(0, mostReserved))
  for (let tries = 0; ; tries++) {
    const numbers = await numbersOf(store, host.name, guest.number)
    const replicas = await readAll<ReplicaRecord>(store, keys.replicasOf(guest.number))
    const compare: Compare[] = [...numbers, ...replicas].map(({ key, revision }) => ({ key, revision }))
    const writes: Write[] = [
      { delete: keys.guest(host.name, guest.number) },
      { delete: keys.guestStatus(host.name, guest.number) },
      ...(guest.spec.seed === undefined ? [] : [{ delete: keys.seed(host.name, guest.number) }]),
      { delete: keys.name(guest.name) },
      ...reserved.map((key): Write => ({ delete: key })),
      removal(writer),
      ...replicas.map(({ key, value }): Write => ({ put: key, value: { ...value, deleting: true, cleared: true } })),
      ...numbers.map(({ key, value }): Write => {
        const isOwn = key === keys.numbers(host.name)
        return {
          put: key,
          value: isOwn ? withoutGuest(value, guest, env.now()) : withoutNumber(value, guest, env.now()),
        }
      }),
    ]
    try {
      await store.transact(compare, writes)
      return
    } catch (error) {
      if (!isCode(error, 'CHANGED_MEANWHILE') || tries > 50) throw error
    }
  }
}

/** Of the host where it was, and of that which leases its number: a guest that was moved has another's. */
async function numbersOf(store: Store, host: string, number: number): Promise<readonly Held<NumbersRecord>[]> {
  const own = await read<NumbersRecord>(store, keys.numbers(host))
  if (!own || leases(own, number)) return own ? [own] : []
  return [own, ...(await readAll<NumbersRecord>(store, keys.allNumbers)).filter((each) => leases(each, number))]
}

const leases = ({ value }: Held<NumbersRecord>, number: number): boolean => value.blocks.includes(number >> 8)

function withoutGuest(numbers: NumbersRecord, guest: GuestRecord, now: number): NumbersRecord {
  const { promised } = numbers
  const isLeased = numbers.blocks.includes(guest.number >> 8)
  const freed = isLeased ? freeNumber(numbers, guest, now) : freeSlot(numbers, guest.slot)
  return promised ? { ...freed, promised: movePromise(promised, promiseOf(guest.spec), nothingPromised) } : freed
}

/** Its slot there is another's, or nobody's. */
const withoutNumber = (numbers: NumbersRecord, { number }: GuestRecord, now: number): NumbersRecord => ({
  ...freeNumber(numbers, { number, slot: -1 }, now),
})

const reservationsOf = ({ host, spec }: GuestRecord): string[] => [
  ...spec.ports.map(({ protocol, hostPort }) => keys.port(host, protocol, hostPort)),
  ...(spec.addresses ?? []).map(({ address }) => keys.address(address)),
]

/** After a crash some may be free already, and another guest's since. */
async function freeOwn({ store }: Writer, number: number, reserved: readonly string[]): Promise<void> {
  const held = await Promise.all(reserved.map((key) => read<{ number: number }>(store, key)))
  const own = held.filter((each) => each !== undefined).filter(({ value }) => value.number === number)
  if (own.length === 0) return
  await store.transact(
    own.map(({ key, revision }) => ({ key, revision })),
    own.map(({ key }): Write => ({ delete: key })),
  )
}
