/**
 * What this host knows of the others: hosts, and guests with what others need of them, followed in memory so that nothing reads
 * the whole farm at each change. A farm of one host follows its list of hosts alone.
 */
import type { GuestPart, GuestSpec, GuestStatus } from '../../api/guest.ts'
import type { Batch, Change, Store } from '../../store/store.ts'
import type { Env } from '../env.ts'
import type { Log } from '../host/parts.ts'
import { keys } from '../records/keys.ts'
import {
  type BlocksRecord,
  type GuestRecord,
  type HostRecord,
  type NumbersRecord,
  readAll,
} from '../records/records.ts'

export interface FarGuest {
  readonly number: number
  readonly id: string
  readonly name: string
  readonly host: string
  readonly generation: number
  readonly run: GuestSpec['run']
  readonly deleting: boolean
  readonly part: GuestPart | undefined
  readonly certificate: string | undefined
  /** Public ones. */
  readonly addresses: readonly string[]
}

export interface Changed {
  /** Guests and sites of which something is new. */
  readonly names: ReadonlySet<string>
  /** Hosts, blocks, or where guests live. */
  readonly places: boolean
  /** How guests on other hosts are. */
  readonly served: boolean
}

export interface Elsewhere {
  /** Whether the farm has several hosts. */
  several(): boolean
  hosts(): readonly HostRecord[]
  /** Of other hosts. */
  guests(): readonly FarGuest[]
  statusOf(guest: Pick<FarGuest, 'host' | 'number'>): GuestStatus | undefined
  /** Block → host. */
  blocks(): Readonly<Record<string, string>>
  /** Returns when what is there is known; from then on each change is told. */
  begin(signal: AbortSignal, onChange: (changed: Changed) => void): Promise<void>
}

interface Parts {
  readonly store: Store
  readonly env: Env
  readonly log: Log
  readonly host: Pick<HostRecord, 'name'>
}

const againMs = 1000
const none: Changed = { names: new Set(), places: false, served: false }
const everything: Changed = { ...none, places: true, served: true }

export function createElsewhere({ store, env, log, host }: Parts): Elsewhere {
  const hosts = new Map<string, HostRecord>()
  const guests = new Map<string, FarGuest>()
  const statuses = new Map<string, GuestStatus>()
  const numbers = new Map<string, NumbersRecord>()
  let blocks: BlocksRecord | undefined
  let following: Promise<unknown> | undefined
  let tell: (changed: Changed) => void = () => {}

  const several = () => hosts.size > 1

  /** Takes a record, or that it is gone (undefined), and says what that changes. */
  type Take = (key: string, value: unknown) => Changed
  const places: Changed = { ...none, places: true }

  const takeHost: Take = (key, value) => {
    if (value === undefined) hosts.delete(key)
    else hosts.set(key, value as HostRecord)
    return places
  }
  const takeGuest: Take = (key, value) => {
    if (key.startsWith(keys.guests(host.name))) return places
    const before = guests.get(key)
    const now = value === undefined ? undefined : farGuest(value as GuestRecord)
    if (now) guests.set(key, now)
    else guests.delete(key)
    const names = new Set([before, now].flatMap((guest) => (guest ? namesOf(guest) : [])))
    return { names, places: before === undefined || now === undefined, served: true }
  }
  const takeStatus: Take = (key, value) => {
    const [, of, what] = key.split('/')
    if (of === host.name || what !== 'guest') return none
    if (value === undefined) statuses.delete(key)
    else statuses.set(key, value as GuestStatus)
    return { ...none, served: true }
  }
  const takeNumbers: Take = (key, value) => {
    const before = numbers.get(key)?.blocks.join()
    if (value === undefined) numbers.delete(key)
    else numbers.set(key, value as NumbersRecord)
    return numbers.get(key)?.blocks.join() === before ? none : places
  }
  const takeBlocks: Take = (key, value) => {
    if (key !== keys.blocks) return none
    blocks = value as BlocksRecord | undefined
    return places
  }

  /** Followed before it is read: a change meanwhile is seen twice rather than never. */
  async function follow(prefix: string, take: Take, signal: AbortSignal): Promise<void> {
    const known = new Set<string>()
    const one = (key: string, value: unknown) => {
      if (value === undefined) known.delete(key)
      else known.add(key)
      return take(key, value)
    }
    const apply = ({ changes }: Batch) => {
      const all = changes.map((change) => one(change.key, newValue(change)))
      tell({
        names: new Set(all.flatMap(({ names }) => [...names])),
        places: all.some((each) => each.places),
        served: all.some((each) => each.served),
      })
    }
    const read = async () => {
      const batches = store.watch(prefix, { signal })
      const found = await readAll<unknown>(store, prefix)
      for (const key of [...known]) if (!found.some((each) => each.key === key)) one(key, undefined)
      for (const { key, value } of found) one(key, value)
      return batches
    }
    const go = async (batches: AsyncIterable<Batch>): Promise<void> => {
      for await (const batch of batches) apply(batch)
    }
    const again = (thrown: unknown): void => {
      if (signal.aborted) return
      log.warn({ prefix, error: String(thrown) }, 'what is known of other hosts stays as it is until the store answers')
      env.later(againMs, () => {
        if (signal.aborted) return
        read()
          .then((batches) => {
            tell(everything)
            return go(batches)
          })
          .catch(again)
      })
    }
    const batches = await read()
    go(batches).catch(again)
  }

  function followOthers(signal: AbortSignal): Promise<unknown> {
    return Promise.all([
      follow(keys.allGuests, takeGuest, signal),
      follow('status/', takeStatus, signal),
      follow(keys.allNumbers, takeNumbers, signal),
      follow(keys.blocks, takeBlocks, signal),
      follow(keys.farm, () => places, signal),
    ])
  }

  return {
    several,
    hosts: () => [...hosts.values()],
    guests: () => [...guests.values()],
    statusOf: ({ host: of, number }) => statuses.get(keys.guestStatus(of, number)),
    blocks: () => ({ ...leased(numbers), ...blocks?.taken }),
    async begin(signal, onChange) {
      await follow(keys.hosts, takeHost, signal)
      if (several()) {
        following = followOthers(signal)
        await following
      }
      tell = (changed) => {
        // The second host came.
        if (!several() || following) return onChange(changed)
        following = followOthers(signal)
        following.then(
          () => onChange(everything),
          (thrown) => {
            following = undefined
            log.warn({ error: String(thrown) }, 'other hosts cannot be followed; it is tried with the next change')
          },
        )
      }
    },
  }
}

const newValue = (change: Change): unknown => (change.kind === 'put' ? change.value : undefined)

function farGuest({ number, id, name, host, generation, deleting, spec }: GuestRecord): FarGuest {
  const { run, part, certificate } = spec
  const addresses = (spec.addresses ?? []).map(({ address }) => address)
  return { number, id, name, host, generation, run, deleting: deleting === true, part, certificate, addresses }
}

const namesOf = ({ name, part }: FarGuest): string[] => [name, ...(part?.kind === 'instance' ? [part.site] : [])]

/** As each host says of itself, where no record of all is. */
function leased(numbers: ReadonlyMap<string, NumbersRecord>): Record<string, string> {
  const all = [...numbers].flatMap(([key, record]) =>
    record.blocks.map((block) => [String(block), key.slice(keys.allNumbers.length)] as const),
  )
  return Object.fromEntries(all)
}
