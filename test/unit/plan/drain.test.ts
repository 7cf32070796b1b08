import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { boundTo, type Leaver, loadsOf, planDrain } from '../../../src/plan/drain.ts'
import type { PlacementHost } from '../../../src/plan/placement.ts'

const gib = 1024 ** 3

const host = (name: string, leftGib: number, change: Partial<PlacementHost> = {}): PlacementHost => ({
  ...{ name, state: 'up', tags: [], cpus: 4, load: 0, templates: new Set<string>() },
  memory: { totalBytes: 64 * gib, freeBytes: 64 * gib, promisedBytes: 0, mostBytes: leftGib * gib },
  pools: { default: { totalBytes: 100 * gib, freeBytes: 90 * gib, promisedBytes: 0 } },
  ...change,
})
const guest = (name: string, memoryGib: number, more: Partial<Leaver> = {}): Leaver => ({
  ...{ name, ask: { memoryBytes: memoryGib * gib, diskBytes: gib, pool: 'default' }, barred: {} },
  ...more,
})

test('the large ones first: so all find room that can', () => {
  const { goes, stays } = planDrain([host('ash', 9), host('birch', 5), host('cedar', 3)], 'ash', [
    ...['a', 'b', 'c'].map((name) => guest(name, 1)),
    guest('large', 5),
  ])
  assert.deepEqual(stays, [])
  assert.deepEqual(
    goes.map(({ guest: name, to }) => `${name} ${to}`),
    ['large birch', 'a cedar', 'b cedar', 'c cedar'],
  )
})

test('who stays is told why: bound, barred by a port, no room, nobody there', () => {
  const hosts = [host('ash', 9), host('birch', 2), host('cedar', 9, { drained: true })]
  const { goes, stays } = planDrain(hosts, 'ash', [
    guest('files', 1, { bound: 'it has a folder of ash, /srv' }),
    guest('web', 1, { barred: { birch: 'port tcp/80 is taken there' } }),
    guest('db', 3),
    guest('small', 1),
  ])
  assert.deepEqual(
    goes.map(({ guest: name, to }) => [name, to]),
    [['small', 'birch']],
  )
  assert.deepEqual(
    stays.map(({ guest: name, why, kind }) => `${name} ${kind}: ${why}`),
    [
      'db room: no host can take it (birch: 3G of memory do not fit: 2G of 2G not promised; cedar: it is drained)',
      'files bound: it has a folder of ash, /srv',
      'web room: no host can take it (birch: port tcp/80 is taken there; cedar: it is drained)',
    ],
  )
  assert.equal(planDrain([host('ash', 9)], 'ash', [guest('a', 1)]).stays[0]?.why, 'there is no other host')
})

test('nobody is promised more than there is, nobody goes to who is left, and each is told once', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 12 })
  fc.assert(
    fc.property(sizes, fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 4 }), (asked, rooms) => {
      const guests = asked.map((size, at) => guest(`g${at}`, size))
      const hosts = [host('ash', 50), ...rooms.map((room, at) => host(`h${at}`, room))]
      const { goes, stays } = planDrain(hosts, 'ash', guests)
      assert.equal(new Set([...goes, ...stays].map((one) => one.guest)).size, guests.length)
      for (const [at, room] of rooms.entries()) {
        const taken = goes.filter(({ to }) => to === `h${at}`).map((one) => Number(asked[Number(one.guest.slice(1))]))
        assert.ok(taken.reduce((sum, size) => sum + size, 0) <= room)
      }
      assert.ok(goes.every(({ to }) => to !== 'ash'))
    }),
  )
})

test('instances that share lasting data go as one', () => {
  const instance = (name: string, site: string, volumes: readonly { id: string; target: string }[]) => ({
    name,
    spec: { part: { kind: 'instance' as const, site, slot: 1, release: 'shop:v1' }, volumes },
  })
  const data = [{ id: 'x', target: '/srv' }]
  const loads = loadsOf([
    instance('shop/prod/1', 'shop/prod', data),
    { name: 'web', spec: {} },
    instance('shop/prod/2', 'shop/prod', data),
    instance('blog/prod/1', 'blog/prod', []),
  ])
  assert.deepEqual(
    loads.map(({ name, site, guests }) => [name, site, guests.map((each) => each.name)]),
    [
      ['shop/prod', 'shop/prod', ['shop/prod/1', 'shop/prod/2']],
      ['web', undefined, ['web']],
      ['blog/prod/1', undefined, ['blog/prod/1']],
    ],
  )
})

test('what its data needs must be free as well', () => {
  const ask = { memoryBytes: gib, diskBytes: gib, pool: 'default', dataBytes: 60 * gib }
  const { goes, stays } = planDrain([host('ash', 9), host('birch', 9)], 'ash', [
    guest('shop/prod', 1, { ask }),
    guest('blog/prod', 1, { ask }),
  ])
  assert.deepEqual(
    goes.map(({ guest: name }) => name),
    ['blog/prod'],
  )
  assert.match(stays[0]?.why ?? '', /birch: 60G of data do not fit: 30G of 100G free in pool default/)
})

test('what binds a guest to its host', () => {
  const free = { run: 'running' as const }
  assert.equal(boundTo('ash', 'web', free), undefined)
  const mount = { source: '/srv', target: '/srv', readOnly: true }
  const why = (spec: Parameters<typeof boundTo>[2]) => boundTo('ash', 'web', spec)?.why
  assert.match(why({ ...free, mounts: [mount] } as never) ?? '', /folder of ash, \/srv/)
  assert.match(why({ ...free, addresses: [{ address: '192.0.2.7', announce: false }] }) ?? '', /192\.0\.2\.7 comes in/)
  assert.match(why({ run: 'frozen' }) ?? '', /frozen/)
})
