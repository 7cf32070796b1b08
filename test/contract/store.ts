/** What every store must do. A backend is tested by one line in store.test.ts. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { CroftError, type ErrorCode } from '../../src/api/errors.ts'
import { limits, type Store, type Write } from '../../src/store/store.ts'
import { leaseContract } from './store-leases.ts'
import { modelContract } from './store-model.ts'
import { watchContract } from './store-watch.ts'

export interface Opened {
  readonly store: Store
  /** Lets the time pass by which leases are measured. */
  pass(ms: number): Promise<void>
  /** Closes it and opens it again; missing where nothing outlives the process. */
  readonly reopen?: () => Promise<Store>
  dispose(): Promise<void>
}
/** The one opened for the running test. */
export type Current = () => Opened

export function storeContract(name: string, open: () => Promise<Opened>): void {
  describe(`store ${name}`, () => {
    let opened: Opened | undefined
    beforeEach(async () => {
      opened = await open()
    })
    afterEach(async () => opened?.dispose())
    const current: Current = () => opened ?? assert.fail('no store is open')
    describe('get and transact', () => transactContract(current))
    describe('list', () => listContract(current))
    describe('limits', () => limitContract(current))
    describe('closing', () => closeContract(current))
    describe('watch', () => watchContract(current))
    describe('lease', () => leaseContract(current))
    describe('model', () => modelContract(open))
  })
}

export const fails = (work: Promise<unknown>, code: ErrorCode): Promise<void> =>
  assert.rejects(work, (error) => error instanceof CroftError && error.code === code)

export const put = (key: string, value: unknown = key): Write => ({ put: key, value })

function transactContract(current: Current): void {
  it('begins empty', async () => {
    const { store } = current()
    assert.deepEqual((await store.list('')).entries, [])
    assert.equal((await store.get('a')).entry, undefined)
  })

  it('gives back what was put, with both revisions', async () => {
    const { store } = current()
    const value = { name: 'web', list: [1, 2.5, null, true], deep: { text: 'ä😀\u0000\ud800' } }
    const first = await store.transact([], [{ put: 'guests/web', value }])
    const second = await store.transact([], [put('guests/web', 2)])
    assert.equal(second.revision, first.revision + 1)
    assert.deepEqual(await store.get('guests/web'), {
      revision: second.revision,
      entry: { key: 'guests/web', value: 2, revision: second.revision, createRevision: first.revision },
    })
    await store.transact([], [{ put: 'guests/web', value }])
    assert.deepEqual((await store.get('guests/web')).entry?.value, value)
  })

  it('takes an undefined property as absent and does not share what it keeps', async () => {
    const { store } = current()
    const value = { a: 1, b: undefined as unknown, list: [1] }
    await store.transact([], [put('k', value)])
    value.list.push(2)
    assert.deepEqual((await store.get('k')).entry?.value, { a: 1, list: [1] })
  })

  it('makes a key anew after its deletion', async () => {
    const { store } = current()
    await store.transact([], [put('a')])
    await store.transact([], [{ delete: 'a' }])
    assert.equal((await store.get('a')).entry, undefined)
    const { revision } = await store.transact([{ key: 'a', revision: 0 }], [put('a')])
    assert.equal((await store.get('a')).entry?.createRevision, revision)
  })

  it('writes all or none', async () => {
    const { store } = current()
    const { revision } = await store.transact([], [put('a', 1)])
    await fails(store.transact([{ key: 'a', revision: revision + 1 }], [put('a', 2), put('b')]), 'CHANGED_MEANWHILE')
    await fails(store.transact([{ key: 'a', revision: 0 }], [put('b')]), 'CHANGED_MEANWHILE')
    await fails(store.transact([{ key: 'b', revision: revision }], [put('b')]), 'CHANGED_MEANWHILE')
    await fails(store.transact([], [put('b'), { put: 'c', value: 1, lease: 'no-such-lease' }]), 'NOT_FOUND')
    assert.deepEqual(
      (await store.list('')).entries.map((entry) => [entry.key, entry.value]),
      [['a', 1]],
    )
    await store.transact([{ key: 'a', revision }], [put('a', 2), put('b')])
    assert.equal((await store.list('')).entries.length, 2)
  })

  it('lets one of many win a race', async () => {
    const { store } = current()
    const tries = Array.from({ length: 20 }, (_, who) => store.transact([{ key: 'a', revision: 0 }], [put('a', who)]))
    const won = (await Promise.allSettled(tries)).filter((result) => result.status === 'fulfilled')
    assert.equal(won.length, 1)
  })

  it('keeps its revision when nothing changes', async () => {
    const { store } = current()
    const { revision } = await store.transact([], [put('a')])
    assert.equal((await store.transact([], [])).revision, revision)
    assert.equal((await store.transact([{ key: 'a', revision }], [])).revision, revision)
    assert.equal((await store.transact([], [{ delete: 'b' }])).revision, revision)
    await fails(store.transact([{ key: 'a', revision: 0 }], []), 'CHANGED_MEANWHILE')
  })

  it('refuses to write a key twice', async () => {
    const { store } = current()
    await fails(store.transact([], [put('a', 1), put('a', 2)]), 'BAD_VALUE')
    await fails(store.transact([], [put('a'), { delete: 'a' }]), 'BAD_VALUE')
  })

  it('refuses what is not JSON', async () => {
    const { store } = current()
    const round: Record<string, unknown> = {}
    round.self = round
    const values = [undefined, () => 1, Number.NaN, 1n, new Date(0), new Map(), [undefined], { a: { b: 1n } }, round]
    for (const value of values) await fails(store.transact([], [{ put: 'a', value }]), 'BAD_VALUE')
    assert.equal((await store.get('a')).entry, undefined)
  })
}

function listContract(current: Current): void {
  const keys = ['a', 'a/', 'a/b', 'a/b/c', 'a0', 'b', 'ﬀ', '😀']
  const listKeys = async (prefix: string, page = {}): Promise<string[]> =>
    (await current().store.list(prefix, page)).entries.map((entry) => entry.key)

  it('orders by the bytes of UTF-8', async () => {
    await current().store.transact(
      [],
      keys.toReversed().map((key) => put(key)),
    )
    assert.deepEqual(await listKeys(''), keys)
    assert.deepEqual(await listKeys('', { reverse: true }), keys.toReversed())
  })

  it('lists a prefix and no neighbour', async () => {
    await current().store.transact(
      [],
      keys.map((key) => put(key)),
    )
    assert.deepEqual(await listKeys('a/'), ['a/', 'a/b', 'a/b/c'])
    assert.deepEqual(await listKeys('a/b'), ['a/b', 'a/b/c'])
    assert.deepEqual(await listKeys('c'), [])
    assert.deepEqual(await listKeys('😀'), ['😀'])
    assert.deepEqual(await listKeys('%'), [])
  })

  it('pages in both directions', async () => {
    const { store } = current()
    await store.transact(
      [],
      keys.map((key) => put(key)),
    )
    for (const reverse of [{}, { reverse: true as const }]) {
      const seen: string[] = []
      for (let next: string | undefined = ''; next !== undefined; ) {
        const page = await store.list('', { limit: 3, ...reverse, ...(next === '' ? {} : { after: next }) })
        seen.push(...page.entries.map((entry) => entry.key))
        next = page.next
      }
      assert.deepEqual(seen, reverse.reverse ? keys.toReversed() : keys)
    }
  })

  it('starts beyond `after`, wherever that is', async () => {
    await current().store.transact(
      [],
      keys.map((key) => put(key)),
    )
    assert.deepEqual(await listKeys('a/', { after: 'a/b' }), ['a/b/c'])
    assert.deepEqual(await listKeys('a/', { after: 'a/a-missing-one' }), ['a/b', 'a/b/c'])
    assert.deepEqual(await listKeys('a/', { after: 'A' }), ['a/', 'a/b', 'a/b/c'])
    assert.deepEqual(await listKeys('a/', { after: 'z' }), [])
    assert.deepEqual(await listKeys('a/', { after: 'a/b/c', reverse: true }), ['a/b', 'a/'])
    assert.deepEqual(await listKeys('a/', { after: 'z', reverse: true }), ['a/b/c', 'a/b', 'a/'])
    assert.deepEqual(await listKeys('a/', { after: 'A', reverse: true }), [])
  })

  it('says when a full page was the last one', async () => {
    const { store } = current()
    await store.transact([], [put('a'), put('b')])
    assert.equal((await store.list('', { limit: 2 })).next, undefined)
    assert.equal((await store.list('', { limit: 1 })).next, 'a')
  })
}

function limitContract(current: Current): void {
  const many = (count: number): Write[] => Array.from({ length: count }, (_, at) => put(`k${at}`))

  it('takes 100 writes and comparisons, and refuses one more', async () => {
    const { store } = current()
    const compare = Array.from({ length: 101 }, (_, at) => ({ key: `k${at}`, revision: 0 }))
    await fails(store.transact([], many(101)), 'TOO_LARGE')
    await fails(store.transact(compare, []), 'TOO_LARGE')
    await store.transact(compare.slice(1), many(100))
    assert.equal((await store.list('')).entries.length, 100)
  })

  it('takes 1 MB and refuses more', async () => {
    const { store } = current()
    await store.transact([], [put('a', 'x'.repeat(limits.bytes - 3))])
    await fails(store.transact([], [put('a', 'x'.repeat(limits.bytes - 2))]), 'TOO_LARGE')
    await fails(store.transact([], [put('a', 'ä'.repeat(limits.bytes / 2))]), 'TOO_LARGE')
  })

  it('refuses keys that are empty, long, or hold what a line cannot', async () => {
    const { store } = current()
    await store.transact([], [put('ä'.repeat(limits.keyBytes / 2))])
    await fails(store.transact([], [put(`${'ä'.repeat(limits.keyBytes / 2)}a`)]), 'TOO_LARGE')
    for (const key of ['', 'a\0b', 'a\nb', 'a\ud800', '\udc00']) {
      await fails(store.transact([], [put(key)]), 'BAD_VALUE')
      await fails(store.transact([{ key, revision: 0 }], []), 'BAD_VALUE')
      await fails(store.get(key), 'BAD_VALUE')
    }
    await fails(store.list('a\0'), 'BAD_VALUE')
  })

  it('refuses pages and revisions out of range', async () => {
    const { store } = current()
    for (const limit of [0, -1, 1001, 1.5, Number.NaN]) await fails(store.list('', { limit }), 'BAD_VALUE')
    for (const revision of [-1, 0.5, Number.NaN]) {
      await fails(store.transact([{ key: 'a', revision }], []), 'BAD_VALUE')
      await fails(store.compact(revision), 'BAD_VALUE')
    }
    await fails(store.compact((await store.list('')).revision + 1), 'BAD_VALUE')
  })
}

function closeContract(current: Current): void {
  it('answers nothing afterwards but a second close', async () => {
    const { store } = current()
    const lease = await store.lease(1000)
    await store.close()
    await store.close()
    const works = [
      store.get('a'),
      store.list(''),
      store.transact([], []),
      store.lease(1000),
      store.compact(0),
      lease.keepAlive(),
      lease.revoke(),
      Array.fromAsync(store.watch('', { signal: new AbortController().signal })),
    ]
    for (const work of works) {
      await assert.rejects(work, { code: 'STORE_CLOSED', hint: 'croft doctor' })
    }
  })
}
