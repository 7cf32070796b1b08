/** The edge is looked after: who kills it does not take every site away for long. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EdgeRoute } from '../../src/api/edge.ts'
import type { Accepted } from '../../src/api/resources.ts'
import { createEdgeKeeper } from '../../src/daemon/edge/keeper.ts'
import type { HostParts } from '../../src/daemon/host/parts.ts'
import { keys } from '../../src/daemon/records/keys.ts'
import { type RouteRecord, readAll } from '../../src/daemon/records/records.ts'
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
  await farm.pass(3)
  const { entry } = await farm.store.get(keys.edgeStatus('ash'))
  assert.match(JSON.stringify(entry?.value), /"state":"serves"/, 'that it died and is back was told')
  const open = () => farm.firewall.model?.hostPorts?.toSorted((a, b) => a - b)
  assert.deepEqual(open(), [80])
  await farm.ask('removeRoute', { params: { route: 'a.org' }, body: {} })
  await farm.pass(5)
  assert.equal((await farm.edge.state()).running, false)
  assert.deepEqual(open(), [])
})

test('a route with a value that the edge does not take is left out and told why; the others are served', async () => {
  const farm = await new SimFarm().open()
  await farm.ask('createGuest', { body: { name: 'web', template: 'debian:12' } })
  await farm.pass(5)
  for (const name of ['a.org', 'b.org']) await farm.ask('addRoute', { body: { name, to: 'web', https: 'off' } })
  await farm.pass(1)
  const answers = () => ['a.org', 'b.org'].map((host) => farm.edge.ask({ host, path: '/', secure: false })?.status)
  assert.deepEqual(answers(), [200, 200])
  // As a version of before may have kept it.
  const [held] = (await readAll<RouteRecord>(farm.store, keys.routes)).filter(({ value }) => value.name === 'a.org')
  assert.ok(held)
  const value = { ...held.value, spec: { ...held.value.spec, check: '/up?x=1' } }
  await farm.store.transact([], [{ put: held.key, value }])
  await farm.pass(2)
  assert.deepEqual(answers(), [404, 200])
  farm.edge.kill()
  await farm.pass(3)
  assert.deepEqual(answers(), [404, 200])
  const view = (await farm.ask('getRoute', { params: { route: 'a.org' } })) as EdgeRoute
  assert.match(view.reason ?? '', /path of a check: "\/up\?x=1"/)
  assert.equal(((await farm.ask('getRoute', { params: { route: 'b.org' } })) as EdgeRoute).state, 'serves')
})

test('a guest that is asked to stop answers first what it has, for three seconds at most; what comes waits meanwhile', async () => {
  const farm = await new SimFarm().open()
  await farm.ask('createGuest', { body: { name: 'web', template: 'debian:12' } })
  await farm.pass(5)
  await farm.ask('addRoute', { body: { name: 'a.org', to: 'web', https: 'off' } })
  await farm.pass(1)
  const server = () =>
    farm.edge.wish?.sites.flatMap(({ target }) => (target.kind === 'servers' ? target.servers : []))[0]
  const restart = () => farm.ask('actGuest', { params: { guest: 'web' }, body: { do: 'restart' } })
  for (const isEndless of [false, true]) {
    farm.edge.hold(1)
    farm.lines.length = 0
    const asked = restart()
    await farm.pass(2)
    assert.equal(server()?.state, 'drain')
    assert.doesNotMatch(farm.lines.join('\n'), /ask guest 1 to stop/)
    if (!isEndless) farm.edge.hold(0)
    await farm.pass(isEndless ? 2 : 1)
    assert.match(farm.lines.join('\n'), /ask guest 1 to stop/)
    await farm.pass(5)
    await asked
    assert.equal(await farm.stateOf('web'), 'running')
    assert.equal(server()?.state, 'ready')
  }
})

test('a guest in which nothing listens is said to, and waited for no longer than a request waits', async () => {
  const farm = await new SimFarm().open()
  const view = async () => (await farm.ask('getRoute', { params: { route: 'a.org' } })) as EdgeRoute
  const target = (site = 0) =>
    farm.edge.wish?.sites[site]?.target as unknown as { servers: { id: string }[]; silent?: true }
  const told = async () => {
    const { state, reason, mend } = await view()
    return [state, reason, mend, target().silent === true].map(String)
  }
  const nothing = 'nothing listens on web:8080'
  const mend = 'croft exec web -- ss -ltn'
  farm.listens = false
  await farm.ask('createGuest', { body: { name: 'web', template: 'debian:12' } })
  await farm.pass(5)
  const added = (await farm.ask('addRoute', { body: { name: 'a.org', to: 'web:8080' } })) as Accepted<EdgeRoute>
  assert.deepEqual(added.warnings, [`${nothing} yet; a request waits 10 s for it: ${mend}`])
  const server = target().servers[0]?.id ?? ''
  farm.edge.silence(server)
  await farm.pass(1)
  assert.deepEqual(
    await told(),
    ['waits', `${nothing} yet; a request waits 10 s for it`, mend, 'false'],
    'a guest that has just started',
  )
  await farm.pass(15)
  assert.deepEqual(await told(), ['no-answer', nothing, mend, 'true'])
  assert.match(
    JSON.stringify(await farm.ask('getStatus', {})),
    /nothing listens on web:8080.*croft exec web -- ss -ltn/,
  )

  farm.edge.silence(server, false)
  farm.listens = true
  await farm.pass(6)
  assert.deepEqual(await told(), ['serves', 'undefined', 'undefined', 'false'])

  // One that leads to a guest that runs for long is not waited for at all.
  farm.listens = false
  const again = (await farm.ask('addRoute', { body: { name: 'b.org', to: 'web:81' } })) as Accepted<EdgeRoute>
  assert.deepEqual(again.warnings, ['nothing listens on web:81: croft exec web -- ss -ltn'])
  assert.equal(again.result?.state, 'no-answer')
  assert.equal(target(1).silent, true)

  // Its restart is what requests wait for.
  farm.edge.silence(server)
  await farm.pass(20)
  assert.equal(target().silent, true)
  await farm.ask('actGuest', { params: { guest: 'web' }, body: { do: 'restart' } })
  await farm.pass(8)
  assert.equal(target().silent, undefined)
  assert.match(String(await told()), /^waits/)
})

test('under the kept plan an edge that died is started as it was last told, and one that was stopped is not', async () => {
  const farm = await new SimFarm().open()
  await farm.ask('createGuest', { body: { name: 'web', template: 'debian:12' } })
  await farm.pass(5)
  await farm.ask('addRoute', { body: { name: 'a.org', to: 'web', https: 'off' } })
  await farm.pass(1)
  farm.kill()
  const { clock, store, edge } = farm
  const log = { info() {}, warn() {}, error() {} }
  const parts = { env: clock.env(() => true), store, log, host: { name: 'ash' }, keptEdge: edge }
  const closing = new AbortController()
  createEdgeKeeper(parts as unknown as HostParts, async () => {}).follow('', closing.signal)
  edge.kill()
  await farm.pass(3)
  assert.equal(edge.ask({ host: 'a.org', path: '/', secure: false })?.status, 200)
  await edge.stop()
  await farm.pass(3)
  assert.equal((await edge.state()).running, false)
  closing.abort()
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
  assert.deepEqual(open(), [80])
  // A change that it does not take leaves the old one serving.
  farm.edgeRefuses = taken
  await farm.ask('addRoute', { body: { name: 'b.org', to: 'web', https: 'off' } })
  assert.deepEqual(open(), [80])
})
