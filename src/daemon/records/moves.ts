/**
 * Moves of guests between hosts, as records. Before the switch the guest is the source's, after it the target's: one transaction
 * carries its record from one prefix to the other. All else is made before it or taken away after it.
 */
import { CroftError, type ErrorBody, isCode } from '../../api/errors.ts'
import type { GuestStatus } from '../../api/guest.ts'
import type { MovePhase, Pass } from '../../plan/move.ts'
import { freeSlot } from '../../plan/numbers.ts'
import { movePromise, nothingPromised, type Promised } from '../../plan/promised.ts'
import type { Compare, Store, Write } from '../../store/store.ts'
import { timestamp } from '../env.ts'
import type { HostParts } from '../host/parts.ts'
import type { SeedRecord } from './app-records.ts'
import type { PortRecord } from './edge-ports.ts'
import { keys } from './keys.ts'
import {
  type GuestRecord,
  type Held,
  type NumbersRecord,
  read,
  readAll,
  type SnapshotRecord,
  type SnapshotStatus,
} from './records.ts'
import { moveReplicas, type ReplicaRecord } from './replicas.ts'

export interface MoveRecord {
  readonly schema: number
  readonly id: string
  readonly number: number
  readonly name: string
  readonly from: string
  readonly to: string
  readonly by: string
  readonly created: string
  /** At most so many bytes in a second. */
  readonly rate?: number
  readonly phase: MovePhase
  /** Of uids: there, and here. */
  readonly slot: number
  readonly fromSlot: number
  /** Reserved there as well, until it is gone here. */
  readonly promised: Promised
  readonly passes: readonly Pass[]
  /** Why it was given up. */
  readonly error?: ErrorBody
}

type Parts = Pick<HostParts, 'store' | 'env' | 'seal'>

export const moveGoal = (id: string) => ({ kind: 'move', id }) as const

/** What lies on this host's pools of guests that are on their way from or to it, or have a replica here, is nobody's orphan. */
export async function awaitedNumbers(store: Store, host: string): Promise<ReadonlySet<number>> {
  const moves = (await readAll<MoveRecord>(store, keys.moves)).map(({ value }) => value)
  const replicas = (await readAll<ReplicaRecord>(store, keys.replicas)).map(({ value }) => value)
  return new Set([
    ...moves.filter(({ from, to }) => from === host || to === host).map(({ number }) => number),
    ...replicas.filter((replica) => replica.host === host).map(({ number }) => number),
  ])
}

export const writeMove = (store: Store, held: Held<MoveRecord>, change: Partial<MoveRecord>): Promise<unknown> =>
  store.transact([same(held)], [{ put: held.key, value: { ...held.value, ...change } }])

/** From now on its passes stop it, also by the plan that is kept. */
export async function quiet({ store }: Parts, move: Held<MoveRecord>, guest: Held<GuestRecord>): Promise<void> {
  const value: GuestRecord = { ...guest.value, moving: { to: move.value.to, quiet: true } }
  await store.transact(
    [same(move), same(guest)],
    [
      { put: move.key, value: { ...move.value, phase: 'quiet' } satisfies MoveRecord },
      { put: guest.key, value },
    ],
  )
}

/** The guest is free again, where it was. */
export async function giveUp({ store }: Parts, move: Held<MoveRecord>, error: CroftError): Promise<void> {
  const guest = await read<GuestRecord>(store, keys.guest(move.value.from, move.value.number))
  const { moving, ...free } = guest?.value ?? {}
  await store.transact(
    [same(move), ...(guest ? [same(guest)] : [])],
    [
      { put: move.key, value: { ...move.value, phase: 'cancelled', error: error.toBody() } satisfies MoveRecord },
      ...(guest && moving ? [{ put: guest.key, value: free }] : []),
    ],
  )
}

/** Seen by nobody there before the guest is. */
export async function writeSnapshots(store: Store, { from, to, number }: MoveRecord): Promise<void> {
  const writes: Write[] = []
  for (const { value } of await readAll<SnapshotRecord>(store, keys.snapshotsOf(from, number))) {
    const status = await read<SnapshotStatus>(store, keys.snapshotStatus(from, value.id))
    writes.push({ put: keys.snapshot(to, number, value.name), value })
    if (status) writes.push({ put: keys.snapshotStatus(to, value.id), value: status.value })
  }
  await inBatches(store, writes)
}

/** The one transaction. */
export async function switchHost(parts: Parts, move: Held<MoveRecord>, guest: Held<GuestRecord>): Promise<void> {
  const { store, env } = parts
  const { from, to, number, slot } = move.value
  const { moving: _, ...free } = guest.value
  const record: GuestRecord = { ...free, host: to, slot }
  const status = await read<GuestStatus>(store, keys.guestStatus(from, number))
  const { reason: _reason, ...was } = status?.value ?? { generation: 0 }
  const now = timestamp(env)
  const there: GuestStatus = { ...was, state: 'stopped', since: now, at: now, name: record.name }
  const replicas = await moveReplicas(store, move.value)
  await store.transact(
    [same(move), same(guest), { key: keys.guest(to, number), revision: 0 }, ...replicas.compare],
    [
      { delete: guest.key },
      { delete: keys.guestStatus(from, number) },
      { put: keys.guest(to, number), value: record },
      { put: keys.guestStatus(to, number), value: there },
      { put: keys.name(record.name), value: { kind: 'guest', host: to, number } },
      { put: move.key, value: { ...move.value, phase: 'switched' } satisfies MoveRecord },
      ...(await seedWrites(parts, move.value)),
      ...replicas.writes,
      ...addressWrites(record),
    ],
  )
}

/** Of networks of the site: they come in wherever the guest is. */
const addressWrites = ({ host, number, spec }: GuestRecord): Write[] =>
  (spec.addresses ?? []).map(({ address }) => ({ put: keys.address(address), value: { host, number } }))

/** Sealed for its key: so it is sealed anew. */
async function seedWrites({ store, seal }: Parts, { from, to, number }: MoveRecord): Promise<Write[]> {
  const [here, there] = [keys.seed(from, number), keys.seed(to, number)]
  const seed = await read<SeedRecord>(store, here)
  if (!seed) return []
  const sealer = await seal()
  const value: SeedRecord = { ...seed.value, sealed: sealer.seal(there, sealer.open(here, seed.value.sealed)) }
  return [{ delete: here }, { put: there, value }]
}

/** What was reserved or written for the guest on one of the two hosts and is its no more. Its slot with the end: another may have it then. */
export async function clearRecords({ store, env }: Parts, { number, ...move }: MoveRecord, side: 'from' | 'to') {
  const host = move[side]
  const ports = await readAll<PortRecord>(store, keys.ports(host))
  const snapshots = await readAll<SnapshotRecord>(store, keys.snapshotsOf(host, number))
  await inBatches(store, [
    ...ports.filter(({ value }) => 'number' in value && value.number === number).map(({ key }) => ({ delete: key })),
    ...snapshots.flatMap(({ key, value }) => [{ delete: key }, { delete: keys.snapshotStatus(host, value.id) }]),
    { put: keys.removal(host), value: { at: timestamp(env) } },
  ])
}

/** The next phase, or the end of the record; with the slot of the side that the guest has no more. */
export async function endPhase(
  { store }: Parts,
  move: Held<MoveRecord>,
  to: { readonly phase?: MovePhase; readonly frees?: 'from' | 'to' },
): Promise<void> {
  for (let tries = 0; ; tries++) {
    const { value } = move
    const host = to.frees && value[to.frees]
    const numbers = host === undefined ? undefined : await read<NumbersRecord>(store, keys.numbers(host))
    const slot = to.frees === 'to' ? value.slot : value.fromSlot
    const writes: Write[] = [
      to.phase ? { put: move.key, value: { ...value, phase: to.phase } } : { delete: move.key },
      ...(numbers ? [{ put: numbers.key, value: without(numbers.value, slot, value.promised) }] : []),
    ]
    try {
      await store.transact([same(move), ...(numbers ? [same(numbers)] : [])], writes)
      return
    } catch (thrown) {
      if (!isCode(thrown, 'CHANGED_MEANWHILE') || tries > 50) throw thrown
    }
  }
}

function without(numbers: NumbersRecord, slot: number, promise: Promised): NumbersRecord {
  const { promised, ...freed } = freeSlot(numbers, slot)
  return promised ? { ...freed, promised: movePromise(promised, promise, nothingPromised) } : freed
}

export async function getMove(store: Store, number: number): Promise<Held<MoveRecord>> {
  const move = await read<MoveRecord>(store, keys.move(number))
  if (move) return move
  throw new CroftError('NOT_FOUND', `guest number ${number} is not on its way to another host`, { hint: 'croft op ls' })
}

const same = ({ key, revision }: { readonly key: string; readonly revision: number }): Compare => ({ key, revision })

const atOnce = 80
async function inBatches(store: Store, writes: readonly Write[]): Promise<void> {
  for (let from = 0; from < writes.length; from += atOnce) await store.transact([], writes.slice(from, from + atOnce))
}
