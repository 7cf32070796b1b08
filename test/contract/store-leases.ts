import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Batch } from '../../src/store/store.ts'
import { type Current, fails, put } from './store.ts'

/** Long enough for every backend; etcd counts whole seconds. */
const ttlMs = 2000

export function leaseContract(current: Current): void {
  it('takes its keys along when it runs out, where watchers see it', async () => {
    const { store, pass } = current()
    const watch = store.watch('', { signal: new AbortController().signal })[Symbol.asyncIterator]()
    const lease = await store.lease(ttlMs)
    const writes = ['a', 'b'].map((key) => ({ put: key, value: 1, lease: lease.id }))
    const { revision } = await store.transact([], [...writes, put('c')])
    await pass(ttlMs * 2)
    assert.deepEqual(
      (await store.list('')).entries.map((entry) => entry.key),
      ['c'],
    )
    await watch.next()
    const { value } = (await watch.next()) as { value: Batch }
    assert.deepEqual(
      value.changes.map((change) => ({ kind: change.kind, key: change.key, before: change.before })),
      ['a', 'b'].map((key) => ({ kind: 'delete', key, before: 1 })),
    )
    assert.equal(value.revision, revision + 1)
    await fails(lease.keepAlive(), 'NOT_FOUND')
    await fails(store.transact([], [{ put: 'a', value: 1, lease: lease.id }]), 'NOT_FOUND')
  })

  it('lasts while it is kept alive', async () => {
    const { store, pass } = current()
    const lease = await store.lease(ttlMs)
    await store.transact([], [{ put: 'a', value: 1, lease: lease.id }])
    for (let at = 0; at < 4; at++) {
      await pass(ttlMs / 2)
      await lease.keepAlive()
    }
    assert.equal((await store.get('a')).entry?.value, 1)
  })

  it('ends at once when revoked, and twice does no harm', async () => {
    const { store } = current()
    const lease = await store.lease(ttlMs)
    await store.transact([], [{ put: 'a', value: 1, lease: lease.id }])
    await lease.revoke()
    await lease.revoke()
    assert.equal((await store.get('a')).entry, undefined)
    await fails(lease.keepAlive(), 'NOT_FOUND')
  })

  it('lets go of a key that is written without it', async () => {
    const { store } = current()
    const lease = await store.lease(ttlMs)
    await store.transact([], [{ put: 'a', value: 1, lease: lease.id }])
    await store.transact([], [put('a', 2)])
    await lease.revoke()
    assert.equal((await store.get('a')).entry?.value, 2)
  })

  it('gives every lease its own id and refuses odd times', async () => {
    const { store } = current()
    assert.notEqual((await store.lease(ttlMs)).id, (await store.lease(ttlMs)).id)
    for (const wrong of [0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) await fails(store.lease(wrong), 'BAD_VALUE')
  })

  it('outlives a closing of the store, and starts anew then', async () => {
    const { store, pass, reopen } = current()
    const lease = await store.lease(ttlMs)
    await store.transact([], [{ put: 'a', value: 1, lease: lease.id }])
    if (reopen === undefined) return
    const again = await reopen()
    await pass(ttlMs / 2)
    assert.equal((await again.get('a')).entry?.value, 1)
    await pass(ttlMs * 2)
    assert.equal((await again.get('a')).entry, undefined)
  })
}
