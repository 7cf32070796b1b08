/** A store whose writes can be held: while it moves, all that is read stays true, and nothing is written. */
import { CroftError } from '../../api/errors.ts'
import type { Lease, Store } from '../../store/store.ts'

export interface GatedStore extends Store {
  /** From now on nothing is written by it; what was acknowledged is in `inner`. */
  hold(): void
  release(): void
  readonly inner: Store
}

export function gateStore(inner: Store): GatedStore {
  let held = false
  const assertOpen = (): void => {
    if (!held) return
    throw new CroftError('STORE_MOVING', 'the farm’s store is moving to etcd: nothing was changed, guests run on', {
      hint: 'say it again in some seconds',
    })
  }
  const gateLease = (lease: Lease): Lease => ({
    id: lease.id,
    async keepAlive() {
      assertOpen()
      await lease.keepAlive()
    },
    async revoke() {
      assertOpen()
      await lease.revoke()
    },
  })
  return {
    inner,
    hold: () => {
      held = true
    },
    release: () => {
      held = false
    },
    ...{ id: inner.id, kind: inner.kind },
    get: (key) => inner.get(key),
    list: (prefix, page) => inner.list(prefix, page),
    watch: (prefix, options) => inner.watch(prefix, options),
    async transact(compare, writes) {
      assertOpen()
      return inner.transact(compare, writes)
    },
    async lease(ttlMs) {
      assertOpen()
      return gateLease(await inner.lease(ttlMs))
    },
    async compact(revision) {
      assertOpen()
      await inner.compact(revision)
    },
    ...(inner.findDamage ? { findDamage: () => inner.findDamage?.() ?? Promise.resolve(undefined) } : {}),
    close: () => inner.close(),
  }
}
