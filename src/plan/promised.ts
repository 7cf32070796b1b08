/**
 * What a host has promised to its guests in memory and disk, whether they run or not, and how much it may promise. Pure. The sums
 * stand beside the host's numbers, which every transaction that makes or removes a guest compares: so two cannot promise the same.
 */
import type { GuestSpec } from '../api/guest.ts'
import { roughSize } from './amount.ts'

export interface Promised {
  readonly memoryBytes: number
  /** By pool. */
  readonly disk: Readonly<Record<string, number>>
}
export const nothingPromised: Promised = { memoryBytes: 0, disk: {} }

/** What counts for a guest without that limit: it can take more, and was promised nothing. */
const unlimited = { memoryBytes: 1024 ** 3, diskBytes: 10 * 1024 ** 3 } as const

export const promiseOf = ({ limits, pool }: Pick<GuestSpec, 'limits' | 'pool'>): Promised => ({
  memoryBytes: limits.memoryBytes ?? unlimited.memoryBytes,
  disk: { [pool]: limits.diskBytes ?? unlimited.diskBytes },
})

/** Never below nothing: a sum that was wrong is not made worse. */
export function movePromise(all: Promised, before: Promised, after: Promised): Promised {
  const pools = [...new Set([all, before, after].flatMap(({ disk }) => Object.keys(disk)))]
  const disk = pools.map((pool) => [pool, moved(all.disk[pool], before.disk[pool], after.disk[pool])] as const)
  return {
    memoryBytes: moved(all.memoryBytes, before.memoryBytes, after.memoryBytes),
    disk: Object.fromEntries(disk.filter(([, bytes]) => bytes > 0)),
  }
}

const moved = (all = 0, before = 0, after = 0): number => Math.max(0, all - before + after)

/** What an operator says of a host. */
export interface PromiseSettings {
  /** So many times its memory may be promised. */
  readonly overcommit?: number
  /** So many times each pool. Without it disks are promised freely: they take what is written to them. */
  readonly diskOvercommit?: number
  /** Memory that is kept for the host itself. */
  readonly reserveBytes?: number
}

/** Absent: as much as anybody asks for. */
export interface Most {
  readonly memoryBytes?: number
  readonly disk: Readonly<Record<string, number>>
}

/** A twentieth, at least half a gigabyte, at most eight. */
const reserveOf = (totalBytes: number): number =>
  Math.min(totalBytes / 4, 8 * 1024 ** 3, Math.max(totalBytes / 20, 512 * 1024 ** 2))

/** One host alone refuses nobody unless it was told to: there is nowhere else to go. */
export function mostOf(
  settings: PromiseSettings,
  totals: { readonly memoryBytes: number; readonly disk: Readonly<Record<string, number>> },
  isAlone: boolean,
): Most {
  const times = settings.overcommit ?? (isAlone ? undefined : 1)
  const own = totals.memoryBytes - (settings.reserveBytes ?? reserveOf(totals.memoryBytes))
  const { diskOvercommit } = settings
  const pools = diskOvercommit === undefined ? [] : Object.entries(totals.disk)
  return {
    ...(times === undefined ? {} : { memoryBytes: Math.max(0, Math.floor(own * times)) }),
    disk: Object.fromEntries(pools.map(([pool, bytes]) => [pool, Math.floor(bytes * (diskOvercommit ?? 1))])),
  }
}

/** Why the host may not promise that; what does not grow is never refused. */
export function whyNoRoom(before: Promised, after: Promised, most: Most): string | undefined {
  const over = (had: number, has: number, most: number | undefined) => most !== undefined && has > had && has > most
  if (over(before.memoryBytes, after.memoryBytes, most.memoryBytes))
    return wordsFor('memory', after.memoryBytes - before.memoryBytes, before.memoryBytes, most.memoryBytes)
  for (const [pool, bytes] of Object.entries(after.disk)) {
    const had = before.disk[pool] ?? 0
    if (over(had, bytes, most.disk[pool])) return wordsFor(`disk in pool ${pool}`, bytes - had, had, most.disk[pool])
  }
  return undefined
}

const wordsFor = (what: string, asked: number, promised: number, most = 0): string =>
  `${roughSize(asked)} of ${what} do not fit: ${roughSize(Math.max(0, most - promised))} of ${roughSize(most)} not promised`
