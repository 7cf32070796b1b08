import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type HistoryRecord, historyPrefix, historyWrites, listHistory, pruneHistory } from '../../src/store/history.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import type { Store } from '../../src/store/store.ts'

function record(name: string, minute: number, kind = 'guest'): HistoryRecord {
  const at = new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString()
  return { at, by: 'root', kind, name, verb: 'set', reason: 'a test', before: { minute: 0 }, after: { minute } }
}

async function fill(records: readonly HistoryRecord[]): Promise<Store> {
  const store = createMemoryStore({ now: () => 0 })
  for (const [at, one] of records.entries()) await store.transact([], historyWrites(one, `u${at}`))
  return store
}

const told = (entries: readonly HistoryRecord[]): string[] =>
  entries.map((one) => `${one.name} ${one.at.slice(14, 16)}`)

describe('history', () => {
  it('is listed newest first, of one thing and of all', async () => {
    const store = await fill([record('web', 1), record('db', 2), record('web', 3)])
    assert.deepEqual(told((await listHistory(store)).entries), ['web 03', 'db 02', 'web 01'])
    const { entries } = await listHistory(store, { kind: 'guest', name: 'web' })
    assert.deepEqual(told(entries), ['web 03', 'web 01'])
    assert.deepEqual(entries[0], { ...record('web', 3), revision: 3 })
  })

  it('pages', async () => {
    const store = await fill([1, 2, 3, 4, 5].map((minute) => record('web', minute)))
    for (const thing of [undefined, { kind: 'guest', name: 'web' }]) {
      const first = await listHistory(store, thing, { limit: 2 })
      const second = await listHistory(store, thing, { limit: 3, after: first.next ?? assert.fail('there is more') })
      assert.deepEqual(told([...first.entries, ...second.entries]), ['web 05', 'web 04', 'web 03', 'web 02', 'web 01'])
      assert.equal(second.next, undefined)
    }
  })

  it('keeps names apart that begin alike', async () => {
    const store = await fill([
      record('shop/prod', 1, 'site'),
      record('shop/prod/2', 2, 'site'),
      record('shop', 3, 'site'),
    ])
    const { entries } = await listHistory(store, { kind: 'site', name: 'shop/prod' })
    assert.deepEqual(told(entries), ['shop/prod 01'])
  })

  it('refuses what would fall into the place of another', () => {
    assert.throws(() => historyWrites(record('a/@b', 1), 'u'), { code: 'BAD_VALUE' })
    assert.throws(() => historyWrites(record('', 1), 'u'), { code: 'BAD_VALUE' })
    assert.throws(() => historyWrites(record('a', 1, 'guest/a'), 'u'), { code: 'BAD_VALUE' })
    assert.throws(() => historyWrites({ ...record('a', 1), at: 'yesterday' }, 'u'), { code: 'BAD_VALUE' })
  })

  it('loses what is too many for a thing, and what is too old', async () => {
    const records = [1, 2, 3, 4].map((minute) => record('web', minute))
    const store = await fill([...records, record('db', 0), record('mail', 2)])
    const now = Date.UTC(2026, 0, 1, 0, 5)
    const some = { keep: 3, keepOfAll: 100, maxAgeMs: 3 * 60_000, now }
    assert.equal(await pruneHistory(store, some, rest), 2)
    assert.deepEqual(told((await listHistory(store)).entries), ['web 04', 'web 03', 'mail 02', 'web 02'])
    assert.equal((await store.list(historyPrefix())).entries.length, (await store.list('history/of/')).entries.length)
    assert.equal(await pruneHistory(store, some, rest), 0)
  })

  it('loses the oldest of too many things that came and went, a page at a time with a rest after each', async () => {
    const store = await fill(Array.from({ length: 2500 }, (_, at) => record(`g${at}`, at % 50)))
    let rests = 0
    const few = { keep: 9, keepOfAll: 40, maxAgeMs: 1e12, now: 0 }
    assert.equal(await pruneHistory(store, few, async () => rests++), 2460)
    assert.ok(rests > 2, `${rests} rests`)
    const left = (await listHistory(store)).entries
    assert.equal(left.length, 40)
    assert.ok(
      left.every(({ at }) => at.slice(14, 16) === '49'),
      'the newest stay',
    )
  })

  it('leaves out what is half pruned', async () => {
    const store = await fill([record('web', 1), record('web', 2)])
    const [oldest] = (await store.list('history/of/')).entries
    await store.transact([], [{ delete: oldest?.key ?? '' }])
    assert.deepEqual(told((await listHistory(store)).entries), ['web 02'])
    assert.equal(await pruneHistory(store, { keep: 1, keepOfAll: 9, maxAgeMs: 1e12, now: 0 }, rest), 1)
    assert.equal((await store.list(historyPrefix())).entries.length, 1)
  })
})

const rest = async () => {}
