import assert from 'node:assert/strict'
import { test } from 'node:test'
import { croft, fakeDaemon, guest, operation } from '../fake-daemon.ts'

test('a store that is away for a moment ends no watching', async () => {
  let asked = 0
  await using daemon = await fakeDaemon(({ method, path }) => {
    if (method === 'POST') return { value: { operation: operation({ state: 'running' }), result: null } }
    if (path === '/v1/guests/web') return { value: guest('web') }
    asked += 1
    const error = {
      code: 'STORE_CLOSED',
      message: 'the store does not answer: no answer in time',
      hint: 'croft doctor',
    }
    return asked < 3 ? { status: 503, value: error } : { value: operation({ state: 'done' }) }
  })
  const ran = await croft(['create', 'web', 'debian:12'], daemon)
  assert.deepEqual([ran.code, asked], [0, 3], ran.err)
})
