/** A way to the store of memory, which can be cut for a while: each host has its own. */
import { CroftError } from '../../src/api/errors.ts'
import type { Batch, Lease, Store, Write } from '../../src/store/store.ts'

export interface WeakStore extends Store {
  /** As those see it whose way is not cut. */
  readonly inner: Store
  reachable(yes: boolean): void
}

export function createWeakStore(inner: Store, wrote: (writes: readonly Write[]) => void): WeakStore {
  const is = { up: true, fall: new AbortController() }
  const enter = (): void => {
    if (!is.up) throw new CroftError('STORE_CLOSED', 'the store cannot be reached')
  }

  async function* watch(prefix: string, options: Parameters<Store['watch']>[1]): AsyncGenerator<Batch> {
    enter()
    const signal = AbortSignal.any([options.signal, is.fall.signal])
    yield* inner.watch(prefix, { ...options, signal })
    if (!options.signal.aborted) throw new CroftError('STORE_CLOSED', 'the store went away')
  }

  async function lease(ttlMs: number): Promise<Lease> {
    enter()
    const made = await inner.lease(ttlMs)
    const reached = async (work: () => Promise<void>) => {
      enter()
      await work()
    }
    return { id: made.id, keepAlive: () => reached(made.keepAlive), revoke: () => reached(made.revoke) }
  }

  return {
    inner,
    id: inner.id,
    kind: 'memory',
    async get(key) {
      enter()
      return inner.get(key)
    },
    async list(prefix, page) {
      enter()
      return inner.list(prefix, page)
    },
    async transact(compare, writes) {
      enter()
      const done = await inner.transact(compare, writes)
      wrote(writes)
      return done
    },
    watch,
    lease,
    compact: (revision) => inner.compact(revision),
    close: () => inner.close(),
    reachable(yes) {
      is.up = yes
      if (yes) is.fall = new AbortController()
      else is.fall.abort()
    },
  }
}
