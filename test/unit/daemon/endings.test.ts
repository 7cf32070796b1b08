/** Certificates that nobody renews are told of once, over restarts of the daemon too. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createEndings } from '../../../src/daemon/certificates/endings.ts'
import { type Env, systemEnv } from '../../../src/daemon/env.ts'
import { tellBatch } from '../../../src/daemon/events/derive.ts'
import { createMemoryStore } from '../../../src/store/memory/index.ts'

const day = 24 * 3600 * 1000

test('soon, ended, replaced', async () => {
  let now = Date.parse('2026-01-01T00:00:00Z')
  const env: Env = { ...systemEnv, now: () => now }
  const store = createMemoryStore({ now: () => 0, id: 'store' })
  const told: string[] = []
  const controller = new AbortController()
  const watching = (async () => {
    for await (const batch of store.watch('endings/', { signal: controller.signal }))
      told.push(...tellBatch(batch).map(({ name, event }) => `${name} ${event}`))
  })().catch(() => undefined)
  let endings = createEndings({ env, store })
  const look = async (...days: number[]) => {
    await endings(
      days.map((left, index) => ({
        name: `${'ab'[index]}.org`,
        until: Date.parse('2026-01-01T00:00:00Z') + left * day,
      })),
    )
    await new Promise((done) => setImmediate(done))
  }
  await look(30, 10)
  await look(30, 10)
  assert.deepEqual(told, ['b.org expiring'])
  now += 20 * day
  endings = createEndings({ env, store })
  await look(30, 10)
  assert.deepEqual(told, ['b.org expiring', 'a.org expiring', 'b.org expired'])
  await look(400, 400)
  assert.deepEqual((await store.list('endings/')).entries, [])
  assert.equal(told.length, 3)
  controller.abort()
  await watching
})
