import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CroftError } from '../../src/api/errors.ts'
import { mostWaiting } from '../../src/store/local/feed.ts'
import { LocalStore } from '../../src/store/local/local.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import { MemoryTables } from '../../src/store/memory/tables.ts'

describe('local store', () => {
  it('sends a consumer that is too far behind to list again, and serves the others', async () => {
    const store = createMemoryStore({ now: () => 0 })
    const slow = store.watch('a', { signal: new AbortController().signal })
    const other = store.watch('b', { signal: new AbortController().signal })[Symbol.asyncIterator]()
    for (let at = 0; at <= mostWaiting; at++) await store.transact([], [{ put: 'a', value: at }])
    await store.transact([], [{ put: 'b', value: 1 }])
    await assert.rejects(Array.fromAsync(slow), { code: 'COMPACTED' })
    assert.equal((await other.next()).value?.changes[0]?.key, 'b')
  })

  it('gives a consumer all that may wait', async () => {
    const store = createMemoryStore({ now: () => 0 })
    const slow = store.watch('a', { signal: new AbortController().signal })
    for (let at = 0; at < mostWaiting; at++) await store.transact([], [{ put: 'a', value: at }])
    let seen = 0
    for await (const _ of slow) if (++seen === mostWaiting) break
    assert.equal(seen, mostWaiting)
  })

  it('closes when its tables no longer know what is on disk', async () => {
    const lost = new CroftError('STORE_CLOSED', 'the disk is gone', { hint: 'croft doctor' })
    const tables = new (class extends MemoryTables {
      override commit(): void {
        throw lost
      }
    })('id')
    const store = new LocalStore(tables, { now: () => 0, newLeaseId: () => 'lease' })
    const watch = Array.fromAsync(store.watch('', { signal: new AbortController().signal }))
    const ended = assert.rejects(watch, lost)
    await assert.rejects(store.transact([], [{ put: 'a', value: 1 }]), lost)
    await assert.rejects(store.get('a'), lost)
    await ended
  })

  it('stays open, as it was, after a write that failed and was undone', async () => {
    const failures = [new CroftError('FAILED', 'the disk is full')]
    const tables = new (class extends MemoryTables {
      override commit(commit: Parameters<MemoryTables['commit']>[0]): void {
        const failure = failures.pop()
        if (failure !== undefined) throw failure
        super.commit(commit)
      }
    })('id')
    const store = new LocalStore(tables, { now: () => 0, newLeaseId: () => 'lease' })
    await assert.rejects(store.transact([], [{ put: 'a', value: 1 }]), { code: 'FAILED' })
    assert.deepEqual(await store.get('a'), { revision: 0, entry: undefined })
    assert.deepEqual(await store.transact([], [{ put: 'a', value: 1 }]), { revision: 1 })
  })
})
