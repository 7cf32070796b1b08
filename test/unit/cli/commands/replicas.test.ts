/** Replicas and copies as commands: what is sent, what is printed, what is asked before the last one goes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Replica } from '../../../../src/api/replica.ts'
import { croft, fakeDaemon, guest, operation } from '../fake-daemon.ts'

const replica = (change: Partial<Replica> = {}): Replica => ({
  ...{ guest: 'web', number: 1, from: 'ash', host: 'birch', everyMs: 300_000, state: 'ready' },
  ...{ at: '2026-01-02T03:02:05Z', lagMs: 120_000, sentBytes: 5 * 1024 ** 2, tookMs: 1200 },
  ...{ created: '2026-01-01T00:00:00Z', by: 'root' },
  ...change,
})
const farmWith = (...replicas: readonly Replica[]) =>
  fakeDaemon(({ method, path }) =>
    method === 'GET'
      ? { value: path === '/v1/guests/web' ? { ...guest('web'), replicas } : { items: replicas } }
      : { value: { operation: method === 'POST' ? operation() : null, result: null } },
  )

test('a replica has a time, 5m when none is said; a copy has none', async () => {
  await using daemon = await farmWith(replica())
  const made = await croft(['replicate', 'web', 'birch'], daemon)
  assert.equal(made.code, 0, made.err)
  assert.match(made.out, /web has a replica on birch, every 5m \(5 MB in 1\.2 s\)/)
  await croft(['replicate', 'web', 'birch', 'every=1h', '--rate', '20M'], daemon)
  await croft(['copy', 'web', 'birch'], daemon)
  const sent = daemon.asked.filter(({ method }) => method === 'POST').map(({ path, body }) => [path, body])
  const path = '/v1/guests/web/replicas'
  assert.deepEqual(sent, [
    [path, { to: 'birch', every: '5m' }],
    [path, { to: 'birch', every: '1h', rate: '20M' }],
    [path, { to: 'birch' }],
  ])
  assert.equal((await croft(['replicate', 'web'], daemon)).code, 2)
  assert.equal((await croft(['copy', 'web@monday', 'birch'], daemon)).code, 2)
})

test('how far they are behind, and why', async () => {
  const late = replica({ host: 'cedar', state: 'late', everyMs: null, reason: 'host cedar does not answer' })
  await using daemon = await farmWith(replica(), late)
  const { out } = await croft(['replica', 'ls', 'web'], daemon)
  assert.match(out, /web +birch +● ready +5m +2m/)
  assert.match(out, /web +cedar +▲ late +once +2m .*host cedar does not answer/)
  const shown = (await croft(['show', 'web'], daemon)).out
  assert.match(shown, /replicas +birch: 2m old, every 5m/)
  assert.match(shown, /cedar: 2m old, late; host cedar does not answer/)
  await using none = await farmWith()
  assert.match((await croft(['replica', 'ls'], none)).err, /croft replicate web HOST every=5m/)
})

test('the last other copy goes by its own word, or the name of the guest', async () => {
  const words = ['replica', 'rm', 'web', 'birch']
  await using daemon = await farmWith(replica())
  const refused = await croft(words, daemon)
  assert.equal(refused.code, 4)
  assert.match(refused.err, /web then lies on ash alone.*\n.*--last-copy/)
  assert.equal((await croft(words, { ...daemon, tty: true, typed: ['no'] })).code, 4)
  assert.ok(
    daemon.asked.every(({ method }) => method === 'GET'),
    'nothing was sent',
  )
  assert.equal((await croft(words, { ...daemon, tty: true, typed: ['web'] })).code, 0)
  assert.equal((await croft([...words, '--last-copy'], daemon)).code, 0)
  const removed = daemon.asked.filter(({ method }) => method === 'DELETE').map(({ path }) => path)
  assert.deepEqual(removed, ['/v1/guests/web/replicas/birch', '/v1/guests/web/replicas/birch'])
  await using two = await farmWith(replica(), replica({ host: 'cedar' }))
  assert.equal((await croft(words, two)).code, 0, 'another is left')
})
