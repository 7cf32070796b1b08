/** What is shown of guests whose host is away, and of sites of which nothing was set. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { croft, fakeDaemon, guest } from '../fake-daemon.ts'

test('of a guest whose host is away nobody knows whether it runs', async () => {
  const away = { ...guest('db'), host: 'cedar', away: true }
  await using daemon = await fakeDaemon(() => ({ value: { items: [guest('web'), away] } }))
  const { out } = await croft(['ls'], { ...daemon, tty: true })
  assert.match(out, /db .*▲ host away/)
  assert.match(out, /web .*● running/)
  const [, last] = JSON.parse((await croft(['ls', '--json'], daemon)).out) as { away: boolean; status: object }[]
  assert.equal(last?.away, true)
  assert.deepEqual(last?.status, away.status)
})

test('a site of which nothing was set has an empty history; one that is not there is told', async () => {
  await using daemon = await fakeDaemon(({ path }) =>
    path === '/v1/sites' ? { value: { items: [{ name: 'memo/prod' }] } } : { value: { items: [] } },
  )
  const known = await croft(['config', 'history', 'memo/prod'], daemon)
  assert.equal(known.code, 0, known.err)
  assert.match(known.err + known.out, /no history/)
  const unknown = await croft(['config', 'history', 'memo/test'], daemon)
  assert.equal(unknown.code, 3)
})
