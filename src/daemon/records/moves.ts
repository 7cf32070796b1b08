/**
 * Moves of guests between hosts, as records, and of sites' data with the guests that have it. Before the switch all of it is the
 * source's, after it the target's: one transaction carries the records from one prefix to the other. All else is made before it
 * or taken away after it.
 */
import { CroftError, type ErrorBody, isCode } from '../../api/errors.ts'
import type { MovePhase, Pass } from '../../plan/move.ts'
import { freeSlot } from '../../plan/numbers.ts'
import { movePromise, nothingPromised, type Promised } from '../../plan/promised.ts'
import type { Compare, Store, Write } from '../../store/store.ts'
import { timestamp } from '../env.ts'
import type { HostParts } from '../host/parts.ts'
import type { SiteRecord } from './app-records.ts'
import type { PortRecord } from './edge-ports.ts'
import { keys } from './keys.ts'
import { type GuestRecord, type Held, type NumbersRecord, read, readAll, type SnapshotRecord } from './records.ts'
import type { ReplicaRecord } from './replicas.ts'

/** A guest that goes, with its slots of uids: there, and here. */
export interface Going {
  readonly number: number
  readonly slot: number
  readonly fromSlot: number
}

export interface MoveRecord extends Going {
  readonly schema: number
  readonly id: string
  readonly name: string
  readonly from: string
  readonly to: string
  readonly by: string
  readonly created: string
  /** At most so many bytes in a second. */
  readonly rate?: number
  readonly phase: MovePhase
  /** They were the target's: it stays so, whatever becomes of them there. */
  readonly switched?: true
  /** Reserved there as well, until it is gone here. */
  readonly promised: Promised
  /** The lasting data of a site goes, and with this guest all others that have it; their disks are made anew there. */
  readonly data?: MovedData
  readonly passes: readonly Pass[]
  /** Why it was given up. */
  readonly error?: ErrorBody
}

export interface MovedData {
  readonly site: string
  readonly volumes: readonly { readonly id: string; readonly name: string }[]
  readonly others: readonly Going[]
}

export type Parts = Pick<HostParts, 'store' | 'env' | 'seal'>

/** Of a transaction. */
export interface Part {
  readonly compare: readonly Compare[]
  readonly writes: readonly Write[]
}

export const goersOf = ({ number, slot, fromSlot, data }: MoveRecord): readonly Going[] => [
  { number, slot, fromSlot },
  ...(data?.others ?? []),
]

export const moveGoal = (id: string) => ({ kind: 'move', id }) as const

/** What lies on this host's pools of guests that are on their way from or to it, or have a replica here, is nobody's orphan. */
export async function awaitedNumbers(store: Store, host: string): Promise<ReadonlySet<number>> {
  const moves = (await readAll<MoveRecord>(store, keys.moves)).map(({ value }) => value)
  const replicas = (await readAll<ReplicaRecord>(store, keys.replicas)).map(({ value }) => value)
  return new Set([
    ...moves.filter(isPartOf(host)).flatMap((move) => goersOf(move).map(({ number }) => number)),
    ...replicas.filter((replica) => replica.host === host).map(({ number }) => number),
  ])
}

/** The same of volumes. */
export async function awaitedVolumes(store: Store, host: string): Promise<ReadonlySet<string>> {
  const moves = (await readAll<MoveRecord>(store, keys.moves)).map(({ value }) => value)
  return new Set(moves.filter(isPartOf(host)).flatMap(({ data }) => (data?.volumes ?? []).map(({ id }) => id)))
}

const isPartOf =
  (host: string) =>
  ({ from, to }: MoveRecord): boolean =>
    from === host || to === host

export const writeMove = (store: Store, held: Held<MoveRecord>, change: Partial<MoveRecord>): Promise<unknown> =>
  store.transact([same(held)], [{ put: held.key, value: { ...held.value, ...change } }])

/** From now on its passes stop it, also by the plan that is kept. */
export async function quiet({ store }: Parts, move: Held<MoveRecord>, guests: readonly Held<GuestRecord>[]) {
  const moving = { to: move.value.to, quiet: true } as const
  await store.transact(
    [same(move), ...guests.map(same)],
    [
      { put: move.key, value: { ...move.value, phase: 'quiet' } satisfies MoveRecord },
      ...guests.map(({ key, value }) => ({ put: key, value: { ...value, moving } satisfies GuestRecord })),
    ],
  )
}

/** All are free again, where they were. */
export async function giveUp({ store }: Parts, move: Held<MoveRecord>, error: CroftError): Promise<void> {
  const { from, data } = move.value
  const found = await Promise.all(
    goersOf(move.value).map(({ number }) => read<GuestRecord>(store, keys.guest(from, number))),
  )
  const guests = found.filter((guest) => guest?.value.moving !== undefined) as Held<GuestRecord>[]
  const site = await staySite(store, data)
  await store.transact(
    [same(move), ...guests.map(same), ...site.compare],
    [
      { put: move.key, value: { ...move.value, phase: 'cancelled', error: error.toBody() } satisfies MoveRecord },
      ...guests.map(({ key, value: { moving: _, ...free } }) => ({ put: key, value: free })),
      ...site.writes,
    ],
  )
}

/** Its site is nobody's to wait for any more. */
export async function staySite(store: Store, data: MovedData | undefined): Promise<Part> {
  const site = data && (await read<SiteRecord>(store, keys.site(data.site)))
  if (!site?.value.moving) return { compare: [], writes: [] }
  const { moving: _, ...value } = site.value
  return { compare: [same(site)], writes: [{ put: site.key, value }] }
}

/** What was reserved or written for the guest on one of the two hosts and is its no more. Its slot with the end: another may have it then. */
export async function clearRecords({ store, env }: Parts, move: MoveRecord, side: 'from' | 'to'): Promise<void> {
  for (const { number } of goersOf(move)) await clearGuest({ store, env }, { host: move[side], number })
}

async function clearGuest(
  { store, env }: Pick<Parts, 'store' | 'env'>,
  { host, number }: { readonly host: string; readonly number: number },
): Promise<void> {
  const ports = await readAll<PortRecord>(store, keys.ports(host))
  const snapshots = await readAll<SnapshotRecord>(store, keys.snapshotsOf(host, number))
  await inBatches(store, [
    ...ports.filter(({ value }) => 'number' in value && value.number === number).map(({ key }) => ({ delete: key })),
    ...snapshots.flatMap(({ key, value }) => [{ delete: key }, { delete: keys.snapshotStatus(host, value.id) }]),
    { delete: keys.seed(host, number) },
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
    const slots = goersOf(value).map((goer) => (to.frees === 'to' ? goer.slot : goer.fromSlot))
    const writes: Write[] = [
      to.phase ? { put: move.key, value: { ...value, phase: to.phase } } : { delete: move.key },
      ...(numbers ? [{ put: numbers.key, value: without(numbers.value, slots, value.promised) }] : []),
    ]
    try {
      await store.transact([same(move), ...(numbers ? [same(numbers)] : [])], writes)
      return
    } catch (thrown) {
      if (!isCode(thrown, 'CHANGED_MEANWHILE') || tries > 50) throw thrown
    }
  }
}

function without(numbers: NumbersRecord, slots: readonly number[], promise: Promised): NumbersRecord {
  const { promised, ...freed } = slots.reduce(freeSlot, numbers)
  return promised ? { ...freed, promised: movePromise(promised, promise, nothingPromised) } : freed
}

export async function getMove(store: Store, number: number): Promise<Held<MoveRecord>> {
  const move = await read<MoveRecord>(store, keys.move(number))
  if (move) return move
  throw new CroftError('NOT_FOUND', `guest number ${number} is not on its way to another host`, { hint: 'croft op ls' })
}

export const same = ({ key, revision }: { readonly key: string; readonly revision: number }): Compare => ({
  key,
  revision,
})

const atOnce = 80
export async function inBatches(store: Store, writes: readonly Write[]): Promise<void> {
  for (let from = 0; from < writes.length; from += atOnce) await store.transact([], writes.slice(from, from + atOnce))
}
