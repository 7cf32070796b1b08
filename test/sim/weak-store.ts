/** The memory store, which can be out of reach for a while. */
import { CroftError } from '../../src/api/errors.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import type { Batch, Store, Write } from '../../src/store/store.ts'

export interface WeakStore extends Store {
  reachable(yes: boolean): void
}

export function createWeakStore(now: () => number, wrote: (writes: readonly Write[]) => void): WeakStore {
  const inner = createMemoryStore({ now })
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

  return {
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
    lease: (ttlMs) => inner.lease(ttlMs),
    compact: (revision) => inner.compact(revision),
    close: () => inner.close(),
    reachable(yes) {
      is.up = yes
      if (yes) is.fall = new AbortController()
      else is.fall.abort()
    },
  }
}
