import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isCode } from '../../../src/api/errors.ts'
import type { FarmEvent } from '../../../src/api/events.ts'
import { systemEnv } from '../../../src/daemon/env.ts'
import { tellBatch } from '../../../src/daemon/events/derive.ts'
import { followEvents } from '../../../src/daemon/events/follow.ts'
import { historyWrites } from '../../../src/store/history.ts'
import { createMemoryStore } from '../../../src/store/memory/index.ts'
import type { Store, Write } from '../../../src/store/store.ts'

const newStore = (): Store => createMemoryStore({ now: () => 0, id: 'store' })
const guest = (name: string, number = 1): Write => ({
  put: `guests/ash/0000${number}`,
  value: { name, number, created: 't', spec: { template: 'debian:12' } },
})

/** What is told until now, behind a cursor. */
async function told(store: Store, from: string): Promise<FarmEvent[]> {
  const { revision: until } = await store.get('farm')
  const found: FarmEvent[] = []
  const order = { from, until, signal: new AbortController().signal }
  for await (const one of followEvents({ store, env: systemEnv }, order)) if ('event' in one) found.push(one)
  return found
}

test('several events of one revision have cursors between them; each is followed by exactly the rest', async () => {
  const store = newStore()
  await store.transact([], [guest('a', 1), guest('b', 2), guest('c', 3)])
  await store.transact([], [{ put: 'numbers/ash', value: 1 }])
  await store.transact([], [{ delete: 'guests/ash/00001' }, { delete: 'guests/ash/00002' }])
  const all = await told(store, 'store:0')
  assert.deepEqual(
    all.map(({ cursor, name, event }) => `${cursor} ${name} ${event}`),
    ['store:1.1 a created', 'store:1.2 b created', 'store:1 c created', 'store:3.1 a removed', 'store:3 b removed'],
  )
  for (const [index, { cursor }] of all.entries()) {
    const names = (await told(store, cursor)).map(({ cursor }) => cursor)
    assert.deepEqual(
      names,
      all.slice(index + 1).map(({ cursor }) => cursor),
      cursor,
    )
  }
})

test('who, when and why come from the history of the same change; the time of a removal from its host', async () => {
  const store = newStore()
  const at = '2026-01-02T03:04:05.000Z'
  const record = { at, by: 'anna', kind: 'guest', name: 'web', verb: 'create', reason: 'new shop', before: null }
  await store.transact([], [guest('web'), ...historyWrites({ ...record, after: null }, 'x')])
  const later = '2026-01-02T03:04:06.000Z'
  await store.transact([], [{ delete: 'guests/ash/00001' }, { put: 'removals/ash', value: { at: later } }])
  const [created, removed] = await told(store, 'store:0')
  assert.deepEqual([created?.at, created?.by, created?.reason, created?.host], [at, 'anna', 'new shop', 'ash'])
  assert.deepEqual([removed?.at, removed?.by], [later, undefined])
})

test('records that are none tell nothing and stop nothing', () => {
  const values = [null, 0, 'x', [], {}, { name: {} }, { name: 'x' }, { spec: null, name: 3 }, { state: {} }]
  const keys = 'farm hosts/a sizes/b pools/a/b guests/ash/1 templates/a:1 operations/1 hooks/ash/m status/ash/guest/1'
  for (const key of [...keys.split(' '), 'status/ash/__proto__/1', 'status', 'guests', '__proto__/x', 'history/of/x'])
    for (const value of values)
      for (const before of [undefined, ...values])
        for (const event of tellBatch({ revision: 1, changes: [{ kind: 'put', key, value, before, revision: 1 }] }))
          assert.equal(typeof event.name, 'string', `${key} ${JSON.stringify([before, value])}`)
})

test('what was compacted is refused, and so is a place inside of it', async () => {
  const store = newStore()
  for (const name of ['a', 'b', 'c']) await store.transact([], [guest(name)])
  await store.compact(2)
  for (const cursor of ['store:1', 'store:2.1', 'other:3', 'store:9', 'store:9.1'])
    await assert.rejects(told(store, cursor), (thrown) => isCode(thrown, 'COMPACTED'), cursor)
  assert.equal((await told(store, 'store:2')).length, 1)
})

test('a reader that pauses holds no watch: changes wait in the store, however many, and then all come', async () => {
  const store = newStore()
  const gone = new AbortController()
  const timers = new Set<() => void>()
  const later = (_ms: number, work: () => void) => {
    timers.add(work)
    return { [Symbol.dispose]: () => void timers.delete(work) }
  }
  const events = followEvents({ store, env: { ...systemEnv, later } }, { from: 'store:0', signal: gone.signal })
  await events.next()
  await store.transact([], [guest('first')])
  const first = await events.next()
  for (const patienceEnds of timers) patienceEnds()
  // More than a watch may hold.
  for (let count = 0; count < 10_100; count++) await store.transact([], [guest(`g${count}`)])
  let seen = 0
  for await (const one of events) {
    if ('event' in one) seen += 1
    if (seen === 10_100) break
  }
  assert.ok(first.value && 'event' in first.value)
  assert.equal(seen, 10_100)
  gone.abort()
})

test('a route whose worst verdict changes is told; that it is well from the first, or goes, is no news', async () => {
  const store = newStore()
  const write = (id: string, route: string, ...verdicts: string[]) =>
    store.transact(
      [],
      [
        {
          put: `checks/ash/${id}`,
          value: {
            route,
            at: `t${id}`,
            findings: verdicts.map((verdict) => ({ check: verdict, verdict, evidence: 'E' })),
          },
        },
      ],
    )
  await write('1', 'shop.example.org', 'ok', 'ok')
  await write('1', 'shop.example.org', 'ok', 'red')
  await write('1', 'shop.example.org', 'warn', 'red')
  await write('1', 'shop.example.org', 'warn', 'ok')
  await write('1', 'shop.example.org', 'ok', 'ok')
  await write('2', ':5432', 'red')
  await store.transact([], [{ delete: 'checks/ash/2' }, { put: 'checks/ash/3', value: null }])
  assert.deepEqual(
    (await told(store, 'store:0')).map(({ kind, name, event, host, detail }) => [kind, name, event, host, detail]),
    [
      ['check', 'shop.example.org', 'red', 'ash', 'red'],
      ['check', 'shop.example.org', 'warn', 'ash', 'warn'],
      ['check', 'shop.example.org', 'ok', 'ash', undefined],
      ['check', ':5432', 'red', 'ash', 'red'],
    ],
  )
})
