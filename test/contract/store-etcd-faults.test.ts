/** The store contract while members die, stand still, and wires are cut. */
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { isCode } from '../../src/api/errors.ts'
import { type Batch, cursor, type Store } from '../../src/store/store.ts'
import { createWire, smallDisk, type Wire } from './cut.ts'
import { ask, type OpenedEtcd, startEtcd, type TestEtcd } from './etcd.ts'
import { type Opened, put } from './store.ts'

const never = new AbortController().signal

/** Writes the numbers one after another, each guarded by the one before; an outcome that is unknown ends it. */
async function count(store: Store, key: string, upTo: number): Promise<void> {
  let { revision = 0 } = (await store.get(key)).entry ?? {}
  for (let at = 1; at <= upTo; at++) ({ revision } = await store.transact([{ key, revision }], [put(key, at)]))
}

async function take(watch: AsyncIterable<Batch>, upTo: number): Promise<unknown[]> {
  const seen: unknown[] = []
  for await (const { changes } of watch) {
    for (const change of changes) seen.push(change.kind === 'put' ? change.value : undefined)
    if (seen.at(-1) === upTo) break
  }
  return seen
}

const numbers = (upTo: number): number[] => Array.from({ length: upTo }, (_, at) => at + 1)

describe('store etcd, three members', () => {
  let etcd: TestEtcd
  let opened: Opened
  before(async () => {
    etcd = await startEtcd(3)
  })
  after(() => etcd.stop())
  beforeEach(async () => {
    opened = await etcd.open({ patienceMs: 20_000 })
  })
  afterEach(() => opened.dispose())

  const leader = async (): Promise<number> => {
    for (const [at, { plain }] of etcd.members.entries()) {
      const { leader: id, header } = (await ask(plain, '/v3/maintenance/status', {})) as {
        leader: string
        header: { member_id: string }
      }
      if (id === header.member_id) return at
    }
    return assert.fail('there is no leader')
  }

  it('goes on when the member that it asks is killed', async () => {
    const { store } = opened
    const from = cursor(store, (await store.get('a')).revision)
    const seen = take(store.watch('', { from, signal: never }), 60)
    const counting = count(store, 'a', 60)
    await etcd.members[0]?.kill('SIGKILL')
    await counting
    assert.deepEqual(await seen, numbers(60))
    await etcd.members[0]?.start()
  })

  it('goes on when the leader stands still', async () => {
    const at = await leader()
    const { store } = opened
    const from = cursor(store, (await store.get('a')).revision)
    const seen = take(store.watch('', { from, signal: never }), 30)
    await count(store, 'b', 5)
    const pid = etcd.members[at]?.pid() ?? 0
    process.kill(pid, 'SIGSTOP')
    try {
      await count(store, 'a', 30)
      const all = await seen
      assert.deepEqual(all.slice(-30), numbers(30))
    } finally {
      process.kill(pid, 'SIGCONT')
    }
  })

  it('keeps a lease that is prolonged while the leader dies', async () => {
    const { store } = opened
    const lease = await store.lease(8000)
    await store.transact([], [{ put: 'alive', value: 1, lease: lease.id }])
    const at = await leader()
    await etcd.members[at]?.kill('SIGKILL')
    await lease.keepAlive()
    assert.equal((await store.get('alive')).entry?.value, 1)
    await etcd.members[at]?.start()
  })

  it('says that the store is away without a majority, and comes back with it', async () => {
    const store = (await etcd.open({ patienceMs: 1000 })).store
    await count(store, 'a', 3)
    const watch = take(store.watch('a', { signal: never }), 4)
    await store.transact([], [])
    await Promise.all([1, 2].map((at) => etcd.members[at]?.kill('SIGKILL')))
    await assert.rejects(store.get('a'), { code: 'STORE_CLOSED' })
    await assert.rejects(
      store.transact([], [put('b')]),
      (thrown) => isCode(thrown, 'STORE_CLOSED') || isCode(thrown, 'OUTCOME_UNKNOWN'),
    )
    await Promise.all([1, 2].map((at) => etcd.members[at]?.start()))
    const { entry } = await opened.store.get('a')
    assert.equal(entry, undefined)
    const revision = (await store.get('a')).entry?.revision ?? 0
    await store.transact([{ key: 'a', revision }], [put('a', 4)])
    assert.deepEqual(await watch, [4])
    await store.close()
  })
})

describe('store etcd, one member on a small disk', () => {
  it('goes on when that is full, and takes the member back when it has room', async () => {
    await using disk = await smallDisk(80)
    const etcd = await startEtcd(3, { firstFolder: disk.folder })
    try {
      const { store } = await etcd.open({ patienceMs: 20_000 })
      const piece = 'x'.repeat(900_000)
      let { revision } = await store.transact([{ key: 'a', revision: 0 }], [put('a', 0)])
      for (let at = 1; at <= 30; at++)
        ({ revision } = await store.transact([{ key: 'a', revision }], [put('a', at), put(`piece/${at}`, piece)]))
      assert.equal((await store.list('piece/', { limit: 5 })).entries.length, 5)
      await store.close()
      assert.equal(etcd.members[0]?.ended(), true)
      await disk.grow(400)
      await etcd.members[0]?.start()
      const alone = await etcd.open({ endpoints: etcd.endpoints.slice(0, 1), prefix: 'other', patienceMs: 20_000 })
      await alone.store.transact([{ key: 'a', revision: 0 }], [put('a')])
      await alone.store.close()
    } finally {
      await etcd.stop()
    }
  })
})

describe('store etcd, behind a wire', () => {
  let etcd: TestEtcd
  let wire: Wire
  let opened: OpenedEtcd
  before(async () => {
    etcd = await startEtcd()
  })
  after(() => etcd.stop())
  beforeEach(async () => {
    wire = await createWire(etcd.endpoints[0] ?? '')
    opened = await etcd.open({ endpoints: [wire.url], patienceMs: 2000 })
  })
  afterEach(async () => {
    wire.become('whole')
    await opened.dispose()
    await wire.close()
  })

  it('writes once when the answer is lost, and says so', async () => {
    const { store } = opened
    const { revision } = await store.transact([], [put('a', 0)])
    wire.become('deaf')
    const writing = store.transact([{ key: 'a', revision }], [put('a', 1), put('new')])
    await wire.swallowed()
    wire.become('refused')
    wire.become('whole')
    const done = await writing
    assert.equal(done.revision, revision + 1)
    assert.equal((await store.get('a')).entry?.revision, done.revision)
  })

  it('tells who lost the race apart from who won it unheard', async () => {
    const { store } = opened
    wire.become('silent')
    const writing = assert.rejects(store.transact([{ key: 'name', revision: 0 }], [put('name', 'mine'), put('mine')]), {
      code: 'CHANGED_MEANWHILE',
    })
    await new Promise((resolve) => setTimeout(resolve, 200))
    const other = await etcd.open({ prefix: opened.prefix })
    await other.store.transact([], [put('name', 'theirs')])
    wire.become('refused')
    wire.become('whole')
    await writing
    await other.store.close()
  })

  it('does not repeat what could be done twice', async () => {
    const { store } = opened
    wire.become('silent')
    const writing = assert.rejects(store.transact([], [put('a', 1)]), { code: 'OUTCOME_UNKNOWN', hint: 'croft status' })
    await new Promise((resolve) => setTimeout(resolve, 200))
    wire.become('refused')
    wire.become('whole')
    await writing
    assert.equal((await store.get('a')).entry, undefined)
  })

  it('is away while the wire is cut, and reads on afterwards without a gap', async () => {
    const { store } = opened
    await store.transact([], [])
    const seen = take(store.watch('a', { signal: never }), 12)
    await count(store, 'a', 4)
    wire.become('refused')
    await assert.rejects(store.get('a'), { code: 'STORE_CLOSED', hint: 'croft doctor' })
    // There was no connection over which it could have left.
    await assert.rejects(store.transact([], [put('a')]), { code: 'STORE_CLOSED' })
    const beside = await etcd.open({ prefix: opened.prefix })
    const { revision = 0 } = (await beside.store.get('a')).entry ?? {}
    let last = revision
    for (let at = 5; at <= 12; at++)
      last = (await beside.store.transact([{ key: 'a', revision: last }], [put('a', at)])).revision
    wire.become('whole')
    assert.deepEqual(await seen, numbers(12))
    await beside.store.close()
  })

  it('leaves a wire that says nothing, and follows on', async () => {
    const { store } = opened
    const seen = take(store.watch('a', { signal: never }), 2)
    await store.transact([], [put('a', 1)])
    // As behind a firewall that forgot them: what is open stays dead, what is new passes.
    wire.become('forgotten')
    const beside = await etcd.open({ prefix: opened.prefix })
    await beside.store.transact([], [put('a', 2)])
    assert.deepEqual(await seen, [1, 2])
    await beside.store.close()
  })

  it('says COMPACTED to a watch that was away while that was forgotten', async () => {
    const { store } = opened
    await store.transact([], [put('a', 1)])
    const watch = store.watch('a', { signal: never })[Symbol.asyncIterator]()
    await store.transact([], [put('a', 2)])
    assert.equal(((await watch.next()).value as Batch).changes.length, 1)
    const waiting = assert.rejects(watch.next(), { code: 'COMPACTED' })
    wire.become('refused')
    const beside = await etcd.open({ prefix: opened.prefix })
    await beside.store.transact([], [{ delete: 'a' }])
    const { revision } = await beside.store.transact([], [put('b')])
    await beside.store.compact(revision)
    wire.become('whole')
    await waiting
    await beside.store.close()
  })
})
