import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type Batch, cursor, type Store } from '../../src/store/store.ts'
import { type Current, fails, put } from './store.ts'

/** Reads so many batches and leaves. */
async function take(watch: AsyncIterable<Batch>, count: number): Promise<Batch[]> {
  const batches: Batch[] = []
  if (count === 0) return batches
  for await (const batch of watch) if (batches.push(batch) === count) break
  return batches
}

const revisionOf = async (store: Store): Promise<number> => (await store.list('', { limit: 1 })).revision
const open = (): AbortSignal => new AbortController().signal

export function watchContract(current: Current): void {
  it('sees what follows the call, not what was before', async () => {
    const { store } = current()
    await store.transact([], [put('a', 1)])
    const watch = store.watch('', { signal: open() })
    const { revision } = await store.transact([], [put('a', 2), put('b', 3)])
    await store.transact([], [{ delete: 'b' }])
    assert.deepEqual(await take(watch, 2), [
      {
        revision,
        changes: [
          { kind: 'put', key: 'a', value: 2, revision, before: 1 },
          { kind: 'put', key: 'b', value: 3, revision },
        ],
      },
      { revision: revision + 1, changes: [{ kind: 'delete', key: 'b', revision: revision + 1, before: 3 }] },
    ])
  })

  it('sees only its prefix', async () => {
    const { store } = current()
    const watch = store.watch('hosts/1/', { signal: open() })
    await store.transact([], [put('hosts/10/a'), put('hosts/1')])
    await store.transact([], [put('hosts/1/a'), put('other')])
    const [batch] = await take(watch, 1)
    assert.deepEqual(
      batch?.changes.map((change) => change.key),
      ['hosts/1/a'],
    )
  })

  it('goes from replay to live without gap or repetition', async () => {
    const { store } = current()
    const from = cursor(store, await revisionOf(store))
    const revisions: number[] = []
    const write = async (): Promise<void> => void revisions.push((await store.transact([], [put('a')])).revision)
    for (let at = 0; at < 150; at++) await write()
    const watch = store.watch('a', { from, signal: open() })
    for (let at = 0; at < 10; at++) await write()
    const seen: number[] = []
    for await (const batch of watch) {
      seen.push(batch.revision)
      if (seen.length === 160) break
      if (seen.length % 30 === 0) await write()
    }
    assert.deepEqual(seen, revisions.slice(0, 160))
  })

  it('wakes when it waited', async () => {
    const { store } = current()
    const batches = take(store.watch('', { signal: open() }), 1)
    await new Promise((resolve) => setImmediate(resolve))
    await store.transact([], [put('a')])
    assert.equal((await batches).length, 1)
  })

  it('ends with its signal, waiting or not', async () => {
    const { store } = current()
    const abort = new AbortController()
    const waiting = Array.fromAsync(store.watch('', { signal: abort.signal }))
    const full = store.watch('', { signal: abort.signal })
    await new Promise((resolve) => setImmediate(resolve))
    abort.abort()
    await store.transact([], [put('a')])
    assert.deepEqual(await waiting, [])
    assert.deepEqual(await Array.fromAsync(full), [])
    assert.deepEqual(await Array.fromAsync(store.watch('', { signal: abort.signal })), [])
  })

  it('throws STORE_CLOSED when the store closes', async () => {
    const { store } = current()
    const waiting = Array.fromAsync(store.watch('', { signal: open() }))
    const unread = store.watch('', { signal: open() })
    await new Promise((resolve) => setImmediate(resolve))
    await store.transact([], [])
    const ends = assert.rejects(waiting, { code: 'STORE_CLOSED' })
    await store.close()
    await ends
    await fails(Array.fromAsync(unread), 'STORE_CLOSED')
  })

  it('refuses a cursor of another store, of the future, or without form', async () => {
    const { store } = current()
    const { revision } = await store.transact([], [put('a')])
    const wrong = [`other:${revision}`, `${store.id}:${revision + 1}`, `${store.id}:`, `${store.id}:-1`, '', ':', '7']
    for (const from of [...wrong, `${store.id}:0x1`, `${store.id}:1e0`, store.id]) {
      await fails(Array.fromAsync(store.watch('', { from, signal: open() })), 'COMPACTED')
    }
  })

  it('replays from the compaction on, and not from before', async () => {
    const { store } = current()
    const { revision } = await store.transact([], [put('a', 1)])
    await store.transact([], [put('a', 2)])
    await store.transact([], [put('a', 3)])
    await store.compact(revision + 1)
    await store.compact(revision)
    await fails(Array.fromAsync(store.watch('', { from: cursor(store, revision), signal: open() })), 'COMPACTED')
    const [batch] = await take(store.watch('', { from: cursor(store, revision + 1), signal: open() }), 1)
    assert.deepEqual(batch?.changes, [{ kind: 'put', key: 'a', value: 3, revision: revision + 2, before: 2 }])
    assert.equal((await store.get('a')).entry?.value, 3)
  })

  it('says COMPACTED when the compaction overtakes its replay', async () => {
    const { store } = current()
    const from = cursor(store, await revisionOf(store))
    for (let at = 0; at < 200; at++) await store.transact([], [put('a', at)])
    const watch = store.watch('', { from, signal: open() })
    await store.compact(await revisionOf(store))
    await fails(Array.fromAsync(watch), 'COMPACTED')
  })

  it('does not let one consumer change what another sees', async () => {
    const { store } = current()
    const watches = [store.watch('', { signal: open() }), store.watch('', { signal: open() })]
    await store.transact([], [put('a', { list: [1] })])
    for (const watch of watches) {
      const change = (await take(watch, 1))[0]?.changes[0]
      assert.ok(change?.kind === 'put')
      assert.deepEqual(change.value, { list: [1] })
      Object.assign(change.value as object, { list: [] })
    }
  })
}
