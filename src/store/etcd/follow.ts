/** A watch: read from whichever member answers, and begun anew where it was when that one is gone. */
import type { Batch } from '../store.ts'
import { compacted, Lost } from './faults.ts'
import type { Link } from './link.ts'
import { type Space, toBatches, type WatchAnswer, type WatchEvent } from './wire.ts'

export interface FollowOrder {
  readonly space: Space
  readonly range: { readonly key: string; readonly range_end: string }
  /** The last revision that is known already. */
  readonly after: Promise<number>
  readonly signal: AbortSignal
  /** Told of each answer's head. */
  readonly note: (answer: WatchAnswer) => void
}

const againMs = 200

export async function* follow(link: Link, order: FollowOrder): AsyncGenerator<Batch, void, void> {
  const { signal } = order
  if (signal.aborted) return
  let after = await order.after
  while (!signal.aborted) {
    try {
      for await (const batch of read(link, order, after)) {
        if (signal.aborted) return
        after = batch.revision
        yield batch
      }
    } catch (thrown) {
      if (signal.aborted) return
      if (!(thrown instanceof Lost)) throw thrown
    }
    await new Promise((resolve) => setTimeout(resolve, againMs))
  }
}

/**
 * From the revision that is known, not from the next: etcd then tells when what follows was compacted, where it would
 * leave out deletions otherwise. What comes of that revision itself is known.
 */
async function* read(link: Link, order: FollowOrder, after: number): AsyncGenerator<Batch, void, void> {
  const { space, range, signal, note } = order
  const start = { start_revision: String(Math.max(1, after)), prev_kv: true, fragment: true }
  const sent = { path: '/v3/watch', body: { create_request: { ...range, ...start } } }
  let waiting: WatchEvent[] = []
  for await (const answer of link.stream<WatchAnswer>(sent, signal)) {
    note(answer)
    if (answer.compact_revision !== undefined) throw compacted()
    if (answer.canceled) throw new Lost('the watch was ended', { unsent: false })
    waiting.push(...(answer.events ?? []))
    if (answer.fragment) continue
    for (const batch of toBatches(space, waiting)) if (batch.revision > after) yield batch
    waiting = []
  }
}
