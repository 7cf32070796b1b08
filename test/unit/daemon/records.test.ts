/** A record has a schema; what a newer croft wrote is refused, not misread. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isCode } from '../../../src/api/errors.ts'
import { keys } from '../../../src/daemon/records/keys.ts'
import { assertReadable, read, readAll } from '../../../src/daemon/records/records.ts'
import { createMemoryStore } from '../../../src/store/memory/index.ts'

const key = keys.guest('ash', 7)
const tooNew = (thrown: unknown) =>
  isCode(thrown, 'REFUSED') &&
  /guests\/ash\/00007 has schema 2; this croft knows up to 1/.test((thrown as Error).message)

test('one record of a newer croft is refused by itself, in a list, and with its store', async () => {
  const store = createMemoryStore({ now: () => 0 })
  await store.transact([], [{ put: keys.guest('ash', 1), value: { schema: 1, name: 'web' } }])
  await assertReadable(store)
  await store.transact([], [{ put: key, value: { schema: 2, name: { of: 'another form' } } }])
  await assert.rejects(read(store, key), tooNew)
  await assert.rejects(readAll(store, keys.guests('ash')), tooNew)
  await assert.rejects(assertReadable(store), tooNew)
  assert.equal((await read<{ name: string }>(store, keys.guest('ash', 1)))?.value.name, 'web')
})

test('what has no schema is as it is: names, statuses, raw records of any form', async () => {
  const store = createMemoryStore({ now: () => 0 })
  for (const [at, value] of ['text', 3, null, [], { schema: 'new' }, { state: 'running' }].entries()) {
    await store.transact([], [{ put: `status/ash/guest/${at}`, value }])
    assert.deepEqual((await read(store, `status/ash/guest/${at}`))?.value, value)
  }
  await assertReadable(store)
})
