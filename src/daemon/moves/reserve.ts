/** What a move reserves on the other host, and how it begins: in one transaction, for all that go. */
import { CroftError } from '../../api/errors.ts'
import { takeSlot } from '../../plan/numbers.ts'
import { movePromise, nothingPromised, promiseOf } from '../../plan/promised.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import { pause, timestamp } from '../env.ts'
import type { Caller } from '../http/access.ts'
import { keys } from '../records/keys.ts'
import type { Going, MovedData, MoveRecord, Part } from '../records/moves.ts'
import { reserve } from '../records/promises.ts'
import {
  type GuestRecord,
  type Held,
  type HostRecord,
  type NumbersRecord,
  read,
  readAll,
  schemaVersion,
} from '../records/records.ts'

const clearPatienceMs = 10_000

export interface Beginning {
  readonly id: string
  readonly name: string
  readonly caller: Caller
  readonly host: Held<HostRecord>
  /** The one first by whose number the move is known. */
  readonly guests: readonly [Held<GuestRecord>, ...Held<GuestRecord>[]]
  readonly rate?: number | undefined
  readonly data?: Omit<MovedData, 'others'>
}

export async function beginMove(daemon: Daemon, beginning: Beginning): Promise<Part & { readonly record: MoveRecord }> {
  const { id, name, caller, host, guests, rate, data } = beginning
  const { store } = daemon
  const to = host.value.name
  const [{ value: first }] = guests
  const key = keys.move(first.number)
  await untilCleared(daemon, { name, number: first.number })
  const numbers = await read<NumbersRecord>(store, keys.numbers(to))
  if (!numbers) throw noSlot(to)
  const { goers, taken } = takeSlots(numbers.value, guests, to)
  const [{ slot, fromSlot }, ...others] = goers
  const promised = guests.reduce(
    (sum, { value }) => movePromise(sum, nothingPromised, promiseOf(value.spec)),
    nothingPromised,
  )
  const room = await reserve(getFarm(daemon).parts, host, numbers.value, { after: promised })
  const record: MoveRecord = {
    ...{ schema: schemaVersion, id, number: first.number, name, to, from: first.host, by: caller.name },
    created: timestamp(daemon.env),
    ...(rate === undefined ? {} : { rate }),
    ...{ phase: 'copy', slot, fromSlot, promised, passes: [] },
    ...(data ? { data: { ...data, others } } : {}),
  }
  return {
    record,
    compare: [
      ...guests.map(({ key, revision }) => ({ key, revision })),
      { key: numbers.key, revision: numbers.revision },
      { key, revision: 0 },
      ...goers.map(({ number }) => ({ key: keys.guest(to, number), revision: 0 })),
      ...room.compare,
    ],
    writes: [
      ...guests.map(({ key, value }) => ({ put: key, value: { ...value, moving: { to } } satisfies GuestRecord })),
      { put: numbers.key, value: { ...taken, promised: room.promised } },
      { put: key, value: record },
    ],
  }
}

function takeSlots(numbers: NumbersRecord, guests: Beginning['guests'], to: string) {
  let taken = numbers
  const goers = guests.map(({ value: { number, slot: fromSlot } }): Going => {
    const next = takeSlot(taken)
    if (!next) throw noSlot(to)
    taken = next.numbers
    return { number, slot: next.slot, fromSlot }
  })
  return { goers: goers as [Going, ...Going[]], taken }
}

/** Who has just come may go on at once: what the last move left is gone in a moment, when both hosts are there. */
export async function untilCleared(
  { store, env }: Daemon,
  { name, number }: { readonly name: string; readonly number?: number },
): Promise<void> {
  const until = env.monotonicMs() + clearPatienceMs
  const isLeft = ({ value }: Held<MoveRecord>) => value.number === number || value.name === name
  while ((await readAll<MoveRecord>(store, keys.moves)).some(isLeft)) {
    if (env.monotonicMs() > until)
      throw new CroftError('BUSY', `what is left of the last move of "${name}" is being cleared up`, {
        hint: 'croft op ls',
      })
    await pause(env, 100)
  }
}

const noSlot = (host: string): CroftError =>
  new CroftError('LIMIT_REACHED', `host ${host} has no uid range left for another guest`)
