/** The edge is looked after: who kills it does not take every site away for long. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimFarm } from './farm.ts'

test('an edge that was killed serves again within seconds; one without routes is left alone', async () => {
  const farm = await new SimFarm().open()
  await farm.ask('createGuest', { body: { name: 'web', template: 'debian:12' } })
  await farm.pass(5)
  await farm.ask('addRoute', { body: { name: 'a.org', to: 'web', https: 'off' } })
  await farm.pass(1)
  const answer = () => farm.edge.ask({ host: 'a.org', path: '/', secure: false })?.status
  assert.equal(answer(), 200)
  farm.edge.kill()
  assert.equal(answer(), undefined)
  await farm.pass(3)
  assert.equal(answer(), 200)
  const open = () => farm.firewall.model?.hostPorts?.toSorted((a, b) => a - b)
  assert.deepEqual(open(), [80, 443])
  await farm.ask('removeRoute', { params: { route: 'a.org' }, body: {} })
  await farm.pass(5)
  assert.equal((await farm.edge.state()).running, false)
  assert.deepEqual(open(), [])
})

test('ports of the edge are open to guests while it hears them, and not while somebody else does', async () => {
  const taken = new Error('cannot bind socket (Address already in use)')
  const farm = await new SimFarm().open()
  farm.edgeRefuses = taken
  const open = () => farm.firewall.model?.hostPorts?.toSorted((a, b) => a - b)
  await farm.ask('createGuest', { body: { name: 'web', template: 'debian:12' } })
  await farm.pass(5)
  await farm.ask('addRoute', { body: { name: 'a.org', to: 'web', https: 'off' } })
  await farm.pass(1)
  assert.deepEqual(open(), [])
  farm.edgeRefuses = undefined
  await farm.pass(5)
  assert.deepEqual(open(), [80, 443])
  // A change that it does not take leaves the old one serving.
  farm.edgeRefuses = taken
  await farm.ask('addRoute', { body: { name: 'b.org', to: 'web', https: 'off' } })
  assert.deepEqual(open(), [80, 443])
})
