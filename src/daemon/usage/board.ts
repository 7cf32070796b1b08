/**
 * What guests use, looked at when somebody asks: no process, one pass for all who ask meanwhile, and no waiting for a disk
 * that hangs. Nothing is stored. A guest that the pass has not reached yet shows what was seen of it last, with its time.
 */
import type { Usage } from '../../api/guest.ts'
import { timestamp } from '../env.ts'
import type { HostParts } from '../host/parts.ts'
import { keys } from '../records/keys.ts'
import { type GuestRecord, readAll } from '../records/records.ts'

/** By the guest's number; names and states are the records' affair. */
export type Used = Omit<Usage, 'name' | 'state'>

export interface UsageBoard {
  /** Of all guests, looked at less than `maxAgeMs` ago or as far as the deadline allows. */
  look(maxAgeMs: number): Promise<ReadonlyMap<number, Used>>
  /** Of one, now. */
  measure(guest: GuestRecord): Promise<Used>
}

export const deadlineMs = 300
/** Guests looked at side by side; between two such slices other requests have their turn. */
const slice = 16

export function createUsageBoard(parts: HostParts): UsageBoard {
  const seen = new Map<number, Used>()
  let endedAt: number | undefined
  let running: Promise<void> | undefined

  async function pass(): Promise<void> {
    const guests = (await readAll<GuestRecord>(parts.store, keys.guests(parts.host.name))).map(({ value }) => value)
    for (let from = 0; from < guests.length; from += slice)
      await Promise.all(
        guests.slice(from, from + slice).map(async (guest) => seen.set(guest.number, await measure(parts, guest))),
      )
    const known = new Set(guests.map(({ number }) => number))
    for (const number of seen.keys()) if (!known.has(number)) seen.delete(number)
    endedAt = parts.env.monotonicMs()
  }

  return {
    measure: (guest) => measure(parts, guest),

    async look(maxAgeMs) {
      if (endedAt !== undefined && parts.env.monotonicMs() - endedAt < maxAgeMs) return seen
      running ??= pass().finally(() => {
        running = undefined
      })
      await withDeadline(parts, running)
      return seen
    },
  }
}

async function withDeadline(parts: HostParts, work: Promise<void>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>()
  using _timer = parts.env.later(deadlineMs, resolve)
  await Promise.race([work, late])
}

const nothing = {
  ...{ cpuSeconds: null, cpuPercent: null, memoryBytes: null, memoryLimit: null },
  ...{ processes: null, processLimit: null, diskReadBytes: null, diskWriteBytes: null, oomKills: null },
  ...{ netInBytes: null, netOutBytes: null },
} as const satisfies Partial<Used>

/** What cannot be told is null; a look never fails. */
async function measure({ env, runtime, storage }: HostParts, { number, spec }: GuestRecord): Promise<Used> {
  const [used, disk] = await Promise.all([
    runtime.usage(number).catch(() => undefined),
    diskUsage(() => storage(spec.pool).usage({ kind: 'root', number, id: spec.root.id })),
  ])
  return {
    at: timestamp(env),
    ...nothing,
    ...used,
    diskBytes: disk?.usedBytes ?? null,
    diskLimit: disk?.limitBytes ?? null,
  }
}

/** A pool that is away throws when it is asked for, one that is unmounted when it is asked. */
async function diskUsage<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask()
  } catch {
    return undefined
  }
}

export const neverSeen = (at: string): Used => ({ at, ...nothing, diskBytes: null, diskLimit: null })
