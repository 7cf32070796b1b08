/** How fast bytes may go: whoever asks takes his turn, so that all together are no faster. */
import type { Store } from '../../store/store.ts'
import { type Env, pause } from '../env.ts'
import { keys } from '../records/keys.ts'
import { type HostRecord, read } from '../records/records.ts'

/** Returns when that may go, and how much of it; the rest is asked for anew. */
export type Pace = (most: number) => Promise<number>

type Clock = Pick<Env, 'later' | 'monotonicMs'>

/** A slow line is not silent: there is something four times in a second. */
const pieces = 4
const leastBytes = 256

/** `rateOf` tells bytes in a second, as they are wished now; undefined: as fast as it goes. */
export function createPace(env: Clock, rateOf: () => Promise<number | undefined>): Pace {
  let freeAt = Number.NEGATIVE_INFINITY
  return async (most) => {
    const rate = await rateOf()
    if (rate === undefined) return most
    const bytes = Math.min(most, Math.max(leastBytes, Math.ceil(rate / pieces)))
    const now = env.monotonicMs()
    const turn = Math.max(now, freeAt)
    freeAt = turn + (bytes * 1000) / rate
    if (turn > now) await pause(env, turn - now)
    return bytes
  }
}

const lookEveryMs = 1000

interface OfHost {
  readonly env: Clock
  readonly store: Store
  readonly host: { readonly name: string }
}

/** What its record says, read again each second while something goes; while the store is away, what it said last. */
export function createHostPace({ env, store, host }: OfHost): Pace {
  let rate: Promise<number | undefined> = Promise.resolve(undefined)
  let lookAt = Number.NEGATIVE_INFINITY
  async function look(before: typeof rate): Promise<number | undefined> {
    try {
      return (await read<HostRecord>(store, keys.host(host.name)))?.value.sendRate
    } catch {
      return before
    }
  }
  return createPace(env, () => {
    const now = env.monotonicMs()
    if (now >= lookAt) {
      lookAt = now + lookEveryMs
      rate = look(rate)
    }
    return rate
  })
}
