/** The store's move: all of it arrives, whatever is left of an attempt before, and wherever the daemon dies. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isCode } from '../../../src/api/errors.ts'
import { keys } from '../../../src/daemon/records/keys.ts'
import { copyStore } from '../../../src/daemon/store-move/copy.ts'
import { gateStore } from '../../../src/daemon/store-move/gate.ts'
import { createMemoryStore } from '../../../src/store/memory/index.ts'
import type { Store } from '../../../src/store/store.ts'

const now = () => '2026-11-22T00:00:00.000Z'
const failpoint = () => {}

async function allOf(store: Store): Promise<[string, unknown][]> {
  const { entries } = await store.list('')
  return entries.filter(({ key }) => key !== keys.moved).map(({ key, value }) => [key, value])
}

async function farmStore(records: number): Promise<Store> {
  const store = createMemoryStore({ now: () => 0, id: 'old' })
  await store.transact([], [{ put: keys.farm, value: { schema: 1, name: 'meadow' } }])
  for (let at = 0; at < records; at++)
    await store.transact([], [{ put: `guests/ash/${String(at).padStart(5, '0')}`, value: { at, é: '😀\n', n: null } }])
  return store
}

const empty = () => createMemoryStore({ now: () => 0, id: 'new' })

test('all records arrive, but for what lives under a lease', async () => {
  const [from, to] = [await farmStore(250), empty()]
  const lease = await from.lease(10_000)
  const value = { host: 'ash' }
  await from.transact(
    [],
    [
      { put: keys.leader, value, lease: lease.id },
      { put: keys.alive('ash'), value, lease: lease.id },
    ],
  )
  assert.equal((await copyStore({ from, to, now, failpoint })).entries, 251)
  const wanted = (await allOf(from)).filter(([key]) => key !== 'leader' && !key.startsWith('alive/'))
  assert.deepEqual(await allOf(to), wanted)
})

test('killed at each step it goes on, and ends with the same', async () => {
  for (let die = 0; ; die++) {
    const [from, to] = [await farmStore(200), empty()]
    let left = die
    const deadly = (name: string) => {
      if (left-- === 0) throw new Error(`killed at ${name}`)
    }
    const died = await copyStore({ from, to, now, failpoint: deadly }).then(
      () => false,
      () => true,
    )
    // Half of the times somebody writes before the next attempt.
    if (die % 2 === 1) await from.transact([], [{ delete: 'guests/ash/00003' }, { put: 'apps/shop', value: die }])
    await copyStore({ from, to, now, failpoint })
    assert.deepEqual(await allOf(to), await allOf(from), `killed at step ${die}`)
    if (!died) return assert.ok(die > 3)
  }
})

test('what another farm, or an older attempt, has left there does not come through', async () => {
  const [from, to] = [await farmStore(3), empty()]
  await to.transact([], [{ put: 'guests/ash/99999', value: 'stale' }])
  await copyStore({ from, to, now, failpoint })
  assert.deepEqual(await allOf(to), await allOf(from))
})

test('a copy that differs is never marked whole', async () => {
  const [from, to] = [await farmStore(3), empty()]
  const lossy: Store = {
    ...to,
    transact: (compare, writes) =>
      to.transact(
        compare,
        writes.filter((write) => !('put' in write) || !write.put.endsWith('1')),
      ),
    get: (key) => to.get(key),
    list: (prefix, page) => to.list(prefix, page),
  }
  await assert.rejects(copyStore({ from, to: lossy, now, failpoint }), /differs: 4 records/)
  const arriving = (await to.get(keys.moved)).entry?.value ?? assert.fail('no progress')
  assert.equal('whole' in (arriving as object), false)
})

test('a store that is held reads and does not write', async () => {
  const store = gateStore(await farmStore(1))
  const lease = await store.lease(1000)
  store.hold()
  const writes = [
    () => store.transact([], [{ put: 'a', value: 1 }]),
    () => store.lease(1000),
    () => lease.keepAlive(),
    () => lease.revoke(),
    () => store.compact(1),
  ]
  for (const write of writes) await assert.rejects(write, (thrown) => isCode(thrown, 'STORE_MOVING'))
  assert.equal((await allOf(store)).length, 2)
  store.release()
  await store.transact([], [{ put: 'a', value: 1 }])
})
