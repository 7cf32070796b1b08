/** Keeps the store small: what only replays old watches, history beyond its retention, operations long ended. */
import { pruneHistory } from '../store/history.ts'
import type { Entry, Store, Write } from '../store/store.ts'
import type { Env } from './env.ts'
import type { Log } from './host/parts.ts'
import type { Operations } from './operations/operations.ts'

const everyMs = 3600 * 1000
/** A watcher this far behind reads everything anew. */
const replayableRevisions = 10_000
const keptOfEachThing = 200
const keptForMs = 400 * 24 * 3600 * 1000
const writesAtOnce = 90

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
  const retention = { keep: keptOfEachThing, maxAgeMs: keptForMs, now: env.now() }
  const deletions = pruneHistory(await everyEntry(store, 'history/of/'), retention)
  for (let from = 0; from < deletions.length; from += writesAtOnce) {
    await store.transact([], deletions.slice(from, from + writesAtOnce) satisfies Write[])
  }
  const { revision } = await store.get('farm')
  if (revision > replayableRevisions) await store.compact(revision - replayableRevisions)
}

async function everyEntry(store: Store, prefix: string): Promise<Entry[]> {
  const found: Entry[] = []
  let after: string | undefined
  do {
    const page = await store.list(prefix, after === undefined ? {} : { after })
    found.push(...page.entries)
    after = page.next
  } while (after !== undefined)
  return found
}
