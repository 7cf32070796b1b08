/** Random transactions against a model that is a map, its log an array. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { isCode } from '../../src/api/errors.ts'
import {
  type Batch,
  type Change,
  type Compare,
  cursor,
  type Entry,
  type Page,
  type Write,
} from '../../src/store/store.ts'
import type { Opened } from './store.ts'

const keys = ['a', 'a/', 'a/b', 'a/b/c', 'a0', 'b', '\ud7ff', 'ﬀ', '😀', '\u{10ffff}', '\u{10ffff}a']
const key = fc.constantFrom(...keys)
const write: fc.Arbitrary<Write> = fc.oneof(
  fc.record({ put: key, value: fc.jsonValue({ maxDepth: 2, noUnicodeString: false }) }),
  fc.record({ delete: key }),
)
const nameOf = (item: Write): string => ('put' in item ? item.put : item.delete)
const transaction = fc.record({
  do: fc.constant('transact' as const),
  writes: fc.uniqueArray(write, { maxLength: 5, selector: nameOf }),
  compare: fc.array(fc.record({ key, isRight: fc.boolean() }), { maxLength: 2 }),
})
const listing = fc.record({
  do: fc.constant('list' as const),
  prefix: fc.constantFrom('', ...keys),
  limit: fc.integer({ min: 1, max: 12 }),
  reverse: fc.boolean(),
  after: fc.option(key, { nil: undefined }),
})
const actions = fc.array(fc.oneof({ weight: 3, arbitrary: transaction }, listing), { maxLength: 25 })
type Action = typeof actions extends fc.Arbitrary<(infer One)[]> ? One : never

class Model {
  readonly rows = new Map<string, Entry>()
  readonly log: Batch[] = []
  revision: number

  constructor(revision: number) {
    this.revision = revision
  }

  transact(compare: readonly Compare[], writes: readonly Write[]): boolean {
    if (!compare.every((one) => (this.rows.get(one.key)?.revision ?? 0) === one.revision)) return false
    const changes = writes.flatMap((one) => this.#apply(one, this.revision + 1))
    if (changes.length === 0) return true
    this.revision++
    this.log.push({ revision: this.revision, changes })
    return true
  }

  list(prefix: string, { limit = 1000, reverse, after }: Page): { entries: Entry[]; next?: string } {
    const up = [...this.rows.values()].sort((one, two) => Buffer.compare(Buffer.from(one.key), Buffer.from(two.key)))
    const isBeyond = (entry: Entry): boolean => {
      const order = after === undefined ? 0 : Buffer.compare(Buffer.from(entry.key), Buffer.from(after))
      return after === undefined || (reverse ? order < 0 : order > 0)
    }
    const all = (reverse ? up.reverse() : up).filter((entry) => entry.key.startsWith(prefix) && isBeyond(entry))
    const entries = all.slice(0, limit)
    const last = entries.at(-1)
    return all.length > limit && last !== undefined ? { entries, next: last.key } : { entries }
  }

  #apply(item: Write, revision: number): Change[] {
    const name = nameOf(item)
    const old = this.rows.get(name)
    const past = old === undefined ? {} : { before: old.value }
    if ('delete' in item) return this.rows.delete(name) ? [{ kind: 'delete', key: name, revision, ...past }] : []
    const value: unknown = JSON.parse(JSON.stringify(item.value))
    this.rows.set(name, { key: name, value, revision, createRevision: old?.createRevision ?? revision })
    return [{ kind: 'put', key: name, value, revision, ...past }]
  }
}

export function modelContract(open: () => Promise<Opened>): void {
  it('agrees with the model after any actions, and replays them all', async () => {
    await fc.assert(
      fc.asyncProperty(actions, async (list) => {
        const opened = await open()
        try {
          await follow(opened, list)
        } finally {
          await opened.dispose()
        }
      }),
      { numRuns: 60 },
    )
  })
}

async function follow(opened: Opened, list: readonly Action[]): Promise<void> {
  const begin = (await opened.store.list('')).revision
  const model = new Model(begin)
  const from = cursor(opened.store, begin)
  const live = opened.store.watch('', { from, signal: new AbortController().signal })
  for (const action of list) await act(opened, model, action)
  const store = (await opened.reopen?.()) ?? opened.store
  const replay = store.watch('', { from, signal: new AbortController().signal })
  assert.deepEqual(await take(replay, model.log.length), model.log)
  if (store === opened.store) assert.deepEqual(await take(live, model.log.length), model.log)
  assert.deepEqual(await store.list(''), { revision: model.revision, ...model.list('', {}) })
}

async function act({ store }: Opened, model: Model, action: Action): Promise<void> {
  if (action.do === 'list') {
    const { prefix, limit, reverse, after } = action
    const page: Page = { limit, ...(reverse ? { reverse } : {}), ...(after === undefined ? {} : { after }) }
    assert.deepEqual(await store.list(prefix, page), { revision: model.revision, ...model.list(prefix, page) })
    return
  }
  const compare = action.compare.map((one) => ({
    key: one.key,
    revision: (model.rows.get(one.key)?.revision ?? 0) + (one.isRight ? 0 : 1),
  }))
  const done = await store.transact(compare, action.writes).then(
    ({ revision }) => revision,
    (error) => isCode(error, 'CHANGED_MEANWHILE') || Promise.reject(error),
  )
  assert.equal(done, model.transact(compare, action.writes) ? model.revision : true)
}

async function take(watch: AsyncIterable<Batch>, count: number): Promise<Batch[]> {
  const batches: Batch[] = []
  if (count === 0) return batches
  for await (const batch of watch) if (batches.push(batch) === count) break
  return batches
}
