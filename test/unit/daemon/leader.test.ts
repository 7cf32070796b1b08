/** Who leads the farm: one at a time, and who was asleep writes nothing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isCode } from '../../../src/api/errors.ts'
import { systemEnv as env } from '../../../src/daemon/env.ts'
import { electedLeader, type LeaderRecord, onlyLeader } from '../../../src/daemon/farm/leader.ts'
import { openLeaderLease } from '../../../src/daemon/farm/leader-lease.ts'
import { openMirror } from '../../../src/daemon/peers/mirror.ts'
import { keys } from '../../../src/daemon/records/keys.ts'
import { createMemoryStore } from '../../../src/store/memory/index.ts'
import type { Store } from '../../../src/store/store.ts'

const log = { info() {}, warn() {}, error() {} }

async function candidate(store: Store, own: string, ends = new AbortController()) {
  const told: string[] = []
  const mirror = await openMirror<LeaderRecord>({ store, env, signal: ends.signal }, keys.leader)
  const lease = openLeaderLease({ store, env, log })
  const known = { get: () => mirror.get(keys.leader), onChange: mirror.onChange }
  const leader = electedLeader({ store, log, own, lease, known })
  await leader.follow({ begin: async () => void told.push('begin'), end: async () => void told.push('end') })
  const close = async () => {
    ends.abort()
    await leader.close()
    await lease.close()
  }
  return { leader, lease, told, close }
}

async function until(is: () => boolean): Promise<void> {
  for (const end = performance.now() + 20_000; !is(); await new Promise((resolve) => setTimeout(resolve, 5)))
    assert.ok(performance.now() < end, 'it did not come')
}

test('one leads, the next one after it; each begins and ends once', async () => {
  const store = createMemoryStore({ now: () => env.monotonicMs(), id: 'leader' })
  const ash = await candidate(store, 'ash')
  await until(() => ash.leader.isHere())
  const birch = await candidate(store, 'birch')
  await until(() => birch.leader.host() === 'ash' && birch.lease.id() !== undefined)
  assert.deepEqual([birch.leader.isHere(), birch.told], [false, []])
  await ash.close()
  await until(() => birch.leader.isHere())
  assert.deepEqual([ash.told, birch.told], [['begin', 'end'], ['begin']])
  await birch.close()
  assert.deepEqual(birch.told, ['begin', 'end'])
  await store.close()
})

test('who was asleep while another took over writes nothing more, and says so', async () => {
  const store = createMemoryStore({ now: () => env.monotonicMs(), id: 'asleep' })
  const ash = await candidate(store, 'ash', new AbortController())
  await until(() => ash.leader.isHere())
  await ash.leader.store.transact([], [{ put: 'a', value: 1 }])
  const changed = ash.leader.store.transact([{ key: 'a', revision: 0 }], [{ put: 'a', value: 2 }])
  await assert.rejects(changed, (thrown) => isCode(thrown, 'CHANGED_MEANWHILE'))
  // As if its lease had run out unseen, and another host had been quicker.
  await store.transact([], [{ put: keys.leader, value: { host: 'birch' } }])
  const late = ash.leader.store.transact([], [{ put: 'a', value: 3 }])
  await assert.rejects(late, (thrown) => isCode(thrown, 'CANCELLED'))
  assert.equal((await store.get('a')).entry?.value, 1)
  await until(() => ash.told.join() === 'begin,end')
  assert.equal(ash.leader.host(), 'birch')
  const again = ash.leader.store.transact([], [{ put: 'a', value: 3 }])
  await assert.rejects(again, (thrown) => isCode(thrown, 'CANCELLED'))
  await ash.close()
  await store.close()
})

test('a daemon that comes back takes over from the one before it at once', async () => {
  const store = createMemoryStore({ now: () => env.monotonicMs(), id: 'back' })
  const lease = await store.lease(60_000)
  await store.transact([], [{ put: keys.leader, value: { host: 'ash' }, lease: lease.id }])
  const birch = await candidate(store, 'birch')
  const ash = await candidate(store, 'ash')
  await until(() => ash.leader.isHere())
  assert.equal(birch.leader.isHere(), false)
  await ash.close()
  await birch.close()
  await store.close()
})

test('a host alone leads at once, with no word to the store', async () => {
  const told: string[] = []
  const store = createMemoryStore({ now: () => 0, id: 'alone' })
  const leader = onlyLeader(store, 'ash')
  assert.deepEqual([leader.isHere(), leader.host(), leader.store === store], [true, 'ash', true])
  await leader.follow({ begin: async () => void told.push('begin'), end: async () => void told.push('end') })
  assert.equal((await store.get(keys.leader)).revision, 0)
  await leader.close()
  assert.deepEqual(told, ['begin', 'end'])
  await store.close()
})
