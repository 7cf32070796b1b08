/**
 * The events of the farm from a cursor on, each once and in order. They are told from the store's own log of changes,
 * so there is no second log that could differ from it, and they outlive the daemon as far as that log is kept.
 *
 * A cursor is `storeId:revision`. When one revision tells several events, those before its last have `storeId:revision.N`:
 * N of its events are known. Whoever reads slowly holds no memory: a watch that is not read for a second is dropped, and
 * opened again from the reader's cursor.
 */
import type { EventMark, FarmEvent } from '../../api/events.ts'
import type { Told } from '../../plan/events.ts'
import type { Batch, Store } from '../../store/store.ts'
import { type Env, timestamp } from '../env.ts'
import { tellBatch } from './derive.ts'

export interface FollowOptions {
  /** From now on when there is none. */
  readonly from?: string | undefined
  /** Ends at this revision instead of waiting for more. */
  readonly until?: number | undefined
  readonly signal: AbortSignal
}

export type Followed = FarmEvent | EventMark

const patienceMs = 1000
const markEveryMs = 15_000
/** A replay lets others work after so many revisions. */
const breatheEvery = 32

interface Place {
  readonly revision: number
  /** So many events of the revision behind it are known. */
  readonly told: number
  /** As it was given, when it is no place of this store's: the store says why. */
  readonly text: string
}

/** First of all a mark. Throws COMPACTED for a cursor that cannot be gone on from. */
export async function* followEvents(
  { store, env }: { readonly store: Store; readonly env: Env },
  { from, until, signal }: FollowOptions,
): AsyncGenerator<Followed, void, void> {
  const { revision: present } = await store.get('farm')
  let place = from === undefined ? placeAt(store, present) : parsePlace(from)
  let at: string | undefined
  let marked = false
  let count = 0
  while (!signal.aborted) {
    const patience = new AbortController()
    const batches = store
      .watch('', { from: place.text, signal: AbortSignal.any([signal, patience.signal]) })
      [Symbol.asyncIterator]()
    let next = ask(batches)
    try {
      if (!marked) yield await firstMark(store, next, place)
      marked = true
      if (until !== undefined && place.revision >= until && place.told === 0) return
      while (!patience.signal.aborted) {
        const batch = await before(env, next, markEveryMs)
        if (batch === 'late') {
          yield { cursor: cursorOf(store, place) }
          break
        }
        if (batch.done) break
        const live = batch.value.revision > present
        for (const event of eventsOf(store, batch.value, place)) {
          at = event.at ?? (live || at === undefined ? timestamp(env) : at)
          using _ = env.later(patienceMs, () => patience.abort())
          yield { ...event, at }
        }
        place = placeAt(store, batch.value.revision)
        if (until !== undefined && place.revision >= until) return yield { cursor: place.text }
        if (++count % breatheEvery === 0) await new Promise((resolve) => setImmediate(resolve))
        next = ask(batches)
      }
    } finally {
      patience.abort()
    }
  }
}

const placeAt = (store: Store, revision: number): Place => ({ revision, told: 0, text: `${store.id}:${revision}` })

/** `ID:41.2` lies behind revision 40. */
function parsePlace(text: string): Place {
  const inside = /^(.*):(\d{1,15})\.(\d{1,4})$/.exec(text)
  if (!inside) return { revision: Number(text.slice(text.lastIndexOf(':') + 1)), told: 0, text }
  const revision = Number(inside[2]) - 1
  return { revision, told: Number(inside[3]), text: `${inside[1]}:${revision}` }
}

const cursorOf = (store: Store, { revision, told }: Place): string =>
  told === 0 ? `${store.id}:${revision}` : `${store.id}:${revision + 1}.${told}`

/** One batch ahead, and a failure that nobody waits for any more is none. */
function ask(batches: AsyncIterator<Batch>): Promise<IteratorResult<Batch>> {
  const next = batches.next()
  next.catch(() => {})
  return next
}

/** The store refuses a cursor at once, or not at all. */
async function firstMark(store: Store, next: Promise<unknown>, place: Place): Promise<EventMark> {
  await Promise.race([next, new Promise((resolve) => setImmediate(resolve))])
  return { cursor: cursorOf(store, place) }
}

async function before<T>(env: Env, promise: Promise<T>, ms: number): Promise<T | 'late'> {
  const { promise: late, resolve } = Promise.withResolvers<'late'>()
  using _ = env.later(ms, () => resolve('late'))
  return await Promise.race([promise, late])
}

/** Those of a revision, without what the cursor says is known. */
function eventsOf(store: Store, batch: Batch, { revision, told }: Place): (Told & Pick<FarmEvent, 'cursor'>)[] {
  const all = tellBatch(batch)
  const known = batch.revision === revision + 1 ? told : 0
  return all
    .map((event, index) => {
      const last = index + 1 === all.length
      return { ...event, cursor: `${store.id}:${batch.revision}${last ? '' : `.${index + 1}`}` }
    })
    .slice(known)
}
