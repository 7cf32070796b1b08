/** Keeps the store small: what only replays old watches, history beyond its retention, operations long ended. */
import { setImmediate } from 'node:timers/promises'
import { pruneHistory } from '../store/history.ts'
import type { Store } from '../store/store.ts'
import type { Env } from './env.ts'
import type { Log } from './host/parts.ts'
import type { Operations } from './operations/operations.ts'

const everyMs = 3600 * 1000
/** A watcher this far behind reads everything anew. */
const replayableRevisions = 10_000
/** Of history. */
const kept = { keep: 200, keepOfAll: 50_000, maxAgeMs: 400 * 24 * 3600 * 1000 }

export interface HousekeepingParts {
  readonly env: Env
  readonly store: Store
  readonly operations: Operations
  readonly log: Log
}

/** Once a minute after the start, then hourly. */
export function startHousekeeping(parts: HousekeepingParts): Disposable {
  let timer = parts.env.later(60_000, tick)
  function tick(): void {
    keepHouse(parts).catch((thrown) => parts.log.warn({ error: String(thrown) }, 'housekeeping failed'))
    timer = parts.env.later(everyMs, tick)
  }
  return { [Symbol.dispose]: () => timer[Symbol.dispose]() }
}

export async function keepHouse({ env, store, operations }: HousekeepingParts): Promise<void> {
  await operations.prune()
  // The store may answer without ever giving others their turn.
  await pruneHistory(store, { ...kept, now: env.now() }, () => setImmediate())
  const { revision } = await store.get('farm')
  if (revision > replayableRevisions) await store.compact(revision - replayableRevisions)
}
