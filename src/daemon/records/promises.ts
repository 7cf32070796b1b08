/** Room on a host, reserved in the transaction that writes the guest's record. */
import { CroftError } from '../../api/errors.ts'
import {
  type Most,
  mostOf,
  movePromise,
  nothingPromised,
  type Promised,
  promiseOf,
  whyNoRoom,
} from '../../plan/promised.ts'
import type { Compare, Store, Write } from '../../store/store.ts'
import type { HostParts } from '../host/parts.ts'
import { keys } from './keys.ts'
import {
  type FactsRecord,
  type GuestRecord,
  type Held,
  type HostRecord,
  type NumbersRecord,
  read,
  readAll,
} from './records.ts'

type Asking = Pick<HostParts, 'store' | 'host' | 'pools' | 'machine'>

export interface Move {
  readonly before?: Promised
  readonly after?: Promised
}

/** The sums as they are then, and what must still be so of the host; NO_ROOM when it cannot promise what is asked for. */
export async function reserve(
  parts: Asking,
  host: Held<HostRecord>,
  numbers: NumbersRecord,
  { before = nothingPromised, after = nothingPromised }: Move,
): Promise<{ readonly promised: Promised; readonly compare: readonly Compare[] }> {
  const had = numbers.promised ?? (await sumOf(parts.store, host.value.name))
  const promised = movePromise(had, before, after)
  const why = whyNoRoom(had, promised, await readMost(parts, host.value))
  if (why !== undefined)
    throw new CroftError('NO_ROOM', `host ${host.value.name}: ${why}`, {
      hint: `croft host show ${host.value.name} · croft host set ${host.value.name} overcommit=2`,
    })
  return { promised, compare: [{ key: host.key, revision: host.revision }] }
}

/** For what changes one guest's spec. */
export async function reserveChange(
  parts: Asking,
  { host: name, spec }: GuestRecord,
  next: Pick<GuestRecord['spec'], 'limits' | 'pool'>,
): Promise<{ readonly compare: readonly Compare[]; readonly writes: readonly Write[] }> {
  const [before, after] = [promiseOf(spec), promiseOf(next)]
  if (JSON.stringify(before) === JSON.stringify(after)) return { compare: [], writes: [] }
  const [numbers, host] = await Promise.all([
    read<NumbersRecord>(parts.store, keys.numbers(name)),
    read<HostRecord>(parts.store, keys.host(name)),
  ])
  if (!numbers || !host) return { compare: [], writes: [] }
  const { promised, compare } = await reserve(parts, host, numbers.value, { before, after })
  return {
    compare: [{ key: numbers.key, revision: numbers.revision }, ...compare],
    writes: [{ put: numbers.key, value: { ...numbers.value, promised } satisfies NumbersRecord }],
  }
}

/** Records of a croft that kept no sums. */
export async function sumOf(store: Store, host: string): Promise<Promised> {
  const guests = await readAll<GuestRecord>(store, keys.guests(host))
  return guests.reduce((sum, { value }) => movePromise(sum, nothingPromised, promiseOf(value.spec)), nothingPromised)
}

export async function readMost(parts: Asking, host: HostRecord): Promise<Most> {
  const isAlone = (await parts.store.list(keys.hosts, { limit: 2 })).entries.length < 2
  const { overcommit, diskOvercommit } = host
  if (isAlone && overcommit === undefined && diskOvercommit === undefined) return { disk: {} }
  return mostOf(host, await totalsOf(parts, host), isAlone)
}

async function totalsOf(parts: Asking, { name }: HostRecord) {
  const facts = (await read<FactsRecord>(parts.store, keys.facts(name)))?.value
  if (facts) {
    const disk = Object.entries(facts.pools).map(([pool, { totalBytes }]) => [pool, totalBytes] as const)
    return { memoryBytes: facts.memory.totalBytes, disk: Object.fromEntries(disk) }
  }
  if (name !== parts.host.name)
    throw new CroftError('NO_ROOM', `host ${name} has not said yet what it can take`, { hint: 'croft host ls' })
  const states = await Promise.all(
    parts.pools.names.map(async (pool) => [pool, await parts.pools.state(pool)] as const),
  )
  const disk = states.flatMap(([pool, { totalBytes }]) => (totalBytes === null ? [] : [[pool, totalBytes] as const]))
  return { memoryBytes: parts.machine().memory.totalBytes, disk: Object.fromEntries(disk) }
}
