/**
 * Watches of a store inside this process: first what the change log has since the cursor, then what is committed from
 * the moment `watch` was called. The seam is that moment's revision, so there is neither gap nor repetition.
 */
import { CroftError } from '../../api/errors.ts'
import type { Batch, Change } from '../store.ts'
import { type KeyRange, rangeOf } from './keys.ts'
import type { ChangeRow } from './tables.ts'

/** A consumer so far behind is sent back to list again; waiting batches would otherwise fill the memory. */
export const mostWaiting = 10_000
/** Revisions that one read of the log covers, so that a long replay holds little at a time. */
const replayRevisions = 64

export interface Log {
  revision(): number
  compacted(): number
  changes(range: KeyRange, after: number, upTo: number): ChangeRow[]
}

export interface WatchOrder {
  readonly prefix: string
  /** The last revision already known; the present one when only news is wanted. */
  readonly after: number
  readonly signal: AbortSignal
}

export class Feed {
  readonly #log: Log
  readonly #watches = new Set<Watch>()

  constructor(log: Log) {
    this.#log = log
  }

  publish(rows: readonly ChangeRow[]): void {
    for (const watch of this.#watches) watch.offer(rows)
  }

  watch(order: WatchOrder): AsyncIterable<Batch> {
    const watch = new Watch(order.prefix)
    const stop = (): void => {
      watch.end()
      this.#watches.delete(watch)
    }
    if (order.signal.aborted) watch.end()
    else this.#watches.add(watch)
    order.signal.addEventListener('abort', stop, { once: true })
    return this.#read(watch, order, this.#log.revision(), stop)
  }

  close(reason: CroftError): void {
    for (const watch of this.#watches) watch.fail(reason)
    this.#watches.clear()
  }

  async *#read(watch: Watch, order: WatchOrder, seam: number, stop: () => void): AsyncGenerator<Batch, void, void> {
    try {
      yield* this.#replay(watch, order, seam)
      for (let rows = await watch.next(); rows !== undefined; rows = await watch.next()) yield toBatch(rows)
    } finally {
      order.signal.removeEventListener('abort', stop)
      stop()
    }
  }

  *#replay(watch: Watch, order: WatchOrder, seam: number): Generator<Batch, void, void> {
    const range = rangeOf(order.prefix, undefined, false)
    for (let after = order.after; after < seam; after += replayRevisions) {
      if (!watch.isLive()) return
      if (after < this.#log.compacted()) throw compactedMeanwhile()
      const rows = this.#log.changes(range, after, Math.min(seam, after + replayRevisions))
      for (const batch of Map.groupBy(rows, (row) => row.revision).values()) {
        if (!watch.isLive()) return
        yield toBatch(batch)
      }
    }
  }
}

class Watch {
  readonly #prefix: string
  #waiting: ChangeRow[][] = []
  #ended = false
  #failure: CroftError | undefined
  #wake: () => void = () => {}

  constructor(prefix: string) {
    this.#prefix = prefix
  }

  offer(rows: readonly ChangeRow[]): void {
    if (!this.isLive()) return
    const ours = rows.filter((row) => row.key.startsWith(this.#prefix))
    if (ours.length === 0) return
    if (this.#waiting.length < mostWaiting) this.#waiting.push(ours)
    else this.fail(tooSlow())
    this.#wake()
  }

  end(): void {
    this.#ended = true
    this.#waiting = []
    this.#wake()
  }

  fail(failure: CroftError): void {
    this.#failure ??= failure
    this.#waiting = []
    this.#wake()
  }

  /** False once `next` has nothing more to give than its end or failure. */
  isLive(): boolean {
    return !this.#ended && this.#failure === undefined
  }

  /** The changes of the next revision, or undefined at the end. */
  async next(): Promise<ChangeRow[] | undefined> {
    for (;;) {
      if (this.#ended) return undefined
      if (this.#failure !== undefined) throw this.#failure
      const rows = this.#waiting.shift()
      if (rows !== undefined) return rows
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}

/** Parsed for each watch anew, so that no consumer sees what another does to a value. */
function toBatch(rows: readonly ChangeRow[]): Batch {
  return { revision: rows[0]?.revision ?? 0, changes: rows.map(toChange) }
}

function toChange({ key, revision, json, before }: ChangeRow): Change {
  const past = before === null ? {} : { before: JSON.parse(before) as unknown }
  if (json === null) return { kind: 'delete', key, revision, ...past }
  return { kind: 'put', key, value: JSON.parse(json) as unknown, revision, ...past }
}

const tooSlow = (): CroftError =>
  new CroftError('COMPACTED', `the watch is ${mostWaiting} revisions behind; list again and watch from there`)

const compactedMeanwhile = (): CroftError =>
  new CroftError('COMPACTED', 'what the watch was replaying was compacted; list again and watch from there')
