/** A route to a site leads to its instances, as they come and go. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HealthCheck } from '../../../src/api/app.ts'
import type { RouteSpec } from '../../../src/api/edge.ts'
import { type EdgeGuest, type EdgeInput, planEdge } from '../../../src/plan/edge.ts'
import type { ServingMember } from '../../../src/plan/members.ts'
import { routeState } from '../../../src/plan/route-state.ts'

const guest = (number: number, more: Partial<EdgeGuest> = {}): EdgeGuest => ({
  ...{ number, id: `id-${number}`, name: `shop/prod/${number}`, address: `10.100.0.${number}` },
  ...{ run: 'running', state: 'running' },
  ...more,
})
const health = (path: string, kind: HealthCheck['kind'] = 'http'): Required<HealthCheck> => ({
  ...{ kind, path, command: '' },
  ...{ intervalSeconds: 5, timeoutSeconds: 5, withinSeconds: 60 },
})
const runs = { user: 'app', folder: '/srv/app' }
const member = (number: number, state: ServingMember['state'], path = '/up', port = 3000): ServingMember => ({
  ...{ number, id: `id-${number}`, name: `shop/prod/${number}`, state },
  daemons: {
    worker: { port: null, health: health('/', 'none'), ...runs },
    web: { port, health: health(path), ...runs },
    api: { port: 4000, health: health('/api/up'), ...runs },
  },
})
const to = (more: object = {}): RouteSpec => ({ target: { kind: 'site', site: 'shop/prod', id: 'site-1', ...more } })
const input = (spec: RouteSpec, members: readonly ServingMember[], guests: readonly EdgeGuest[]): EdgeInput => ({
  ...{ settings: {}, certificates: [], tokens: [], near: [], guests },
  routes: [{ id: 'r1', name: 'a.org', spec, users: [] }],
  sites: [{ id: 'site-1', name: 'shop/prod', members }],
})
function targetOf(given: EdgeInput) {
  const target = planEdge(given).sites[0]?.target
  assert.ok(target?.kind === 'servers')
  return {
    servers: target.servers.map(({ id, address, port, state }) => `${id} ${address}:${port} ${state}`),
    check: target.check?.path,
  }
}

test('ready ones get requests, draining ones finish, the others are not there', () => {
  const states = ['ready', 'draining', 'starting', 'retiring', 'ready', 'ready', 'ready'] as const
  const members = states.map((state, at) => member(at + 1, state))
  const guests = [
    ...[1, 2, 3, 4].map((number) => guest(number)),
    // Of another guest with that number, one that failed, and one that is asked to stop.
    guest(5, { id: 'another' }),
    guest(6, { state: 'failed' }),
    guest(7, { leaves: true }),
  ]
  assert.deepEqual(targetOf(input(to(), members, guests)), {
    servers: ['id1 10.100.0.1:3000 ready', 'id2 10.100.0.2:3000 drain', 'id7 10.100.0.7:3000 drain'],
    check: '/up',
  })
})

test('the first daemon with a port, the one that is named, or the port as it was said', () => {
  const members = [member(1, 'ready')]
  const at = (more: object) => targetOf(input(to(more), members, [guest(1)]))
  assert.deepEqual(at({}), { servers: ['id1 10.100.0.1:3000 ready'], check: '/up' })
  assert.deepEqual(at({ daemon: 'api' }), { servers: ['id1 10.100.0.1:4000 ready'], check: '/api/up' })
  assert.deepEqual(at({ port: 4000 }), { servers: ['id1 10.100.0.1:4000 ready'], check: '/api/up' })
  assert.deepEqual(at({ port: 9000 }), { servers: ['id1 10.100.0.1:9000 ready'], check: undefined })
  assert.deepEqual(at({ daemon: 'worker' }), { servers: [], check: undefined })
  const spec = { ...to(), check: '/own' }
  assert.equal(targetOf(input(spec, members, [guest(1)])).check, '/own')
})

test('while two versions serve that differ in their check or port, each has its own port and none is judged by the other’s path', () => {
  const members = [member(1, 'ready'), member(2, 'ready', '/health', 3001)]
  const both = [guest(1), guest(2)]
  assert.deepEqual(targetOf(input(to(), members, both)), {
    servers: ['id1 10.100.0.1:3000 ready', 'id2 10.100.0.2:3001 ready'],
    check: undefined,
  })
  const after = [member(1, 'draining'), member(2, 'ready', '/health', 3001)]
  assert.equal(targetOf(input(to(), after, both)).check, '/health')
})

test('its state tells whether anybody serves', () => {
  const state = (members: readonly ServingMember[], guests: readonly EdgeGuest[], spec = to()) =>
    routeState(spec, input(spec, members, guests))
  assert.deepEqual(state([member(1, 'ready')], [guest(1)]), { state: 'serves' })
  assert.equal(state([member(1, 'ready')], [guest(1, { state: 'starting' })]).state, 'waits')
  assert.match(state([member(1, 'starting')], [guest(1)]).reason ?? '', /no instance of shop\/prod serves/)
  assert.match(state([member(1, 'ready')], [guest(1)], to({ id: 'site-2' })).reason ?? '', /is gone/)
  const maintained = { ...to(), maintenance: true }
  assert.equal(state([member(1, 'ready')], [guest(1)], maintained).state, 'maintenance')
})

test('a check that the edge cannot ask for is left to the instance, and the edge judges by connections', () => {
  for (const path of ['/index.html?x=1', '/a%20b', '/a//b', '/../up', '/up#x', '/up/'])
    assert.deepEqual(targetOf(input(to(), [member(1, 'ready', path)], [guest(1)])), {
      servers: ['id1 10.100.0.1:3000 ready'],
      check: undefined,
    })
})
