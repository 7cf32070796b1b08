import assert from 'node:assert/strict'
import { test } from 'node:test'
import { croft, fakeDaemon, guest, operation } from '../fake-daemon.ts'

test('what the daemon warns of is said on stderr, a line each, and the change is done', async () => {
  const warnings = ['memory=1000G is more than the host has (24G)', 'two\nlines\u001b[2J']
  await using daemon = await fakeDaemon(() => ({ value: { operation: operation(), result: guest('web'), warnings } }))
  const { code, out, err } = await croft(['set', 'web', 'memory=1000G'], daemon)
  assert.deepEqual([code, out], [0, '✓ web memory=1000G\n'])
  assert.equal(err.split('\n')[0], '▲ memory=1000G is more than the host has (24G)')
  assert.equal(err.trimEnd().split('\n').length, 2)
  assert.doesNotMatch(err, /\u001b/)
})

test('a guest that runs hears of its new name at its next start, and who renames it is told so', async () => {
  const shop = guest('shop')
  await using running = await fakeDaemon(() => ({ value: { operation: operation(), result: shop } }))
  const said = await croft(['rename', 'web', 'shop'], running)
  assert.deepEqual(
    [said.out, said.err],
    ['✓ web is shop now\n', '  inside it is called so from its next start: croft restart shop\n'],
  )
  const stopped = { ...shop, status: { ...shop.status, state: 'stopped' } }
  await using down = await fakeDaemon(() => ({ value: { operation: operation(), result: stopped } }))
  assert.equal((await croft(['rename', 'web', 'shop'], down)).err, '')
})
