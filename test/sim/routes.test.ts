/** Routes as records: who has a name, who has a port, and what history keeps. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EdgeRoute } from '../../src/api/edge.ts'
import type { Accepted } from '../../src/api/resources.ts'
import type { RouteName } from '../../src/api/routes.ts'
import { keys } from '../../src/daemon/records/keys.ts'
import { readAll } from '../../src/daemon/records/records.ts'
import { SimFarm } from './farm.ts'

type Asked = Parameters<SimFarm['ask']>[1]

async function farmWith(...guests: string[]) {
  const farm = await new SimFarm().open()
  for (const name of guests) await farm.ask('createGuest', { body: { name, template: 'debian:12' } })
  await farm.pass(5)
  const last = () => farm.lines.at(-1) ?? ''
  return {
    farm,
    async ok(route: RouteName, asked: Asked): Promise<EdgeRoute> {
      const answer = (await farm.ask(route, asked)) as Accepted<EdgeRoute> | undefined
      assert.ok(answer, last())
      return answer.result as EdgeRoute
    },
    async refused(route: RouteName, asked: Asked, pattern: RegExp): Promise<void> {
      const before = await everything(farm)
      assert.equal(await farm.ask(route, asked), undefined, JSON.stringify(asked))
      assert.match(last(), pattern)
      assert.deepEqual(await everything(farm), before, 'nothing was changed')
    },
    keysOf: async (prefix: string) => (await readAll(farm.store, prefix)).map(({ key }) => key),
  }
}
const everything = async (farm: SimFarm) => [
  ...(await readAll(farm.store, 'routes/')),
  ...(await readAll(farm.store, 'domains/')),
  ...(await readAll(farm.store, 'ports/')),
  ...(await readAll(farm.store, 'history/')),
]
const add = (name: string, more: object = { to: 'web' }) => ({ body: { name, ...more } })
const of = (route: string, body: object = {}) => ({ params: { route }, body })

test('a name belongs to one route, host and path together', async () => {
  const { ok, refused, keysOf } = await farmWith('web')
  const route = await ok('addRoute', add('a.org', { to: 'web:8080', names: 'b.org', aliases: 'www.a.org' }))
  assert.deepEqual([route.target, route.kind, route.users], ['web:8080', 'guest', []])
  await ok('addRoute', add('a.org/api'))
  await refused('addRoute', add('a.org'), /EXISTS: there is a route "a.org"/)
  await refused('addRoute', add('b.org'), /EXISTS: b.org belongs to route "a.org"/)
  await refused('addRoute', add('c.org', { to: 'web', aliases: 'b.org' }), /b.org belongs/)
  await refused('addRoute', add('www.a.org/x'), /www.a.org belongs to route "a.org"/)
  await refused('addRoute', add('d.org/api', { to: 'web', names: 'a.org' }), /a.org\/api belongs to route "a.org\/api"/)
  await refused('changeRoute', of('a.org/api', { names: 'www.a.org' }), /www.a.org belongs/)
  await refused('addRoute', add('d.org', { to: 'nobody' }), /GUEST_NOT_FOUND/)
  await ok('changeRoute', of('a.org', { names: '', aliases: 'c.org' }))
  await ok('addRoute', add('b.org'))
  await refused('addRoute', add('c.org'), /c.org belongs to route "a.org"/)
  for (const name of ['a.org', 'a.org/api', 'b.org']) await ok('removeRoute', of(name))
  for (const prefix of ['routes/', 'domains/', 'ports/', 'secrets/']) assert.deepEqual(await keysOf(prefix), [])
})

test('a port of the host is a guest’s, the edge’s or one route’s', async () => {
  const { farm, ok, refused, keysOf } = await farmWith('web')
  const port = (hostPort: number) => ({ params: { guest: 'web' }, body: { hostPort, guestPort: 80 } })
  await ok('addPort', port(443))
  await refused('addRoute', add('a.org'), /EXISTS: port tcp\/443 of the host is published by guest "web"/)
  await ok('removePort', { params: { guest: 'web' }, body: { hostPort: 443 } })
  await ok('addRoute', add('a.org'))
  await ok('addRoute', add(':5432', { to: 'web:5432' }))
  await refused('addPort', port(80), /heard by the edge/)
  await refused('addPort', port(5432), /heard by route ":5432"/)
  await refused('addRoute', add('0.0.0.0:5432'), /belongs to route ":5432"/)
  await refused('addRoute', add(':443'), /is the edge's/)
  const none = /the edge cannot hear/
  await refused('changeFarm', { body: { edge: { http: ':443' } } }, none)
  await refused('changeFarm', { body: { edge: { https: ':5432' } } }, /belongs to route ":5432"/)
  await ok('changeFarm', { body: { edge: { https: ':8443' } } })
  await ok('addPort', port(443))
  assert.deepEqual(
    await keysOf('ports/'),
    ['tcp/443', 'tcp/5432', 'tcp/80', 'tcp/8443'].map((at) => `ports/ash/${at}`),
  )
  await ok('removeRoute', of('a.org'))
  assert.deepEqual(
    await keysOf('ports/'),
    ['tcp/443', 'tcp/5432'].map((at) => `ports/ash/${at}`),
  )
  assert.ok(farm.isAlive)
})

test('below the preview domain there are previews alone', async () => {
  const { ok, refused } = await farmWith('web')
  await ok('addRoute', add('x.p.net'))
  await refused('changeFarm', { body: { edge: { previewDomain: 'p.net' } } }, /x.p.net is below p.net and belongs/)
  await ok('removeRoute', of('x.p.net'))
  await ok('changeFarm', { body: { edge: { previewDomain: 'p.net' } } })
  await refused('addRoute', add('x.p.net'), /previews of other routes/)
  assert.equal((await ok('addRoute', add('a.org'))).preview, 'a-org.p.net')
})

test('the guest is kept by number and id: a rename changes nothing, another guest of the name is not served', async () => {
  const { farm, ok } = await farmWith('web')
  await ok('addRoute', add('a.org'))
  await farm.ask('renameGuest', { params: { guest: 'web' }, body: { name: 'shop' } })
  await farm.pass(5)
  const view = async () => (await farm.ask('getRoute', of('a.org'))) as EdgeRoute
  assert.equal((await view()).target, 'shop:80')
  await farm.ask('deleteGuest', { params: { guest: 'shop' } })
  await farm.pass(10)
  await farm.ask('createGuest', { body: { name: 'shop', template: 'debian:12' } })
  await farm.pass(5)
  const { state, reason } = await view()
  assert.deepEqual([state, reason], ['no-target', 'its guest is gone'])
})

test('passwords are in no record but the one that proves them, nor in history', async () => {
  const { farm, ok, keysOf } = await farmWith('web')
  const { id } = await ok('addRoute', add('a.org', { to: 'web', users: { lark: 'plain-secret' } }))
  assert.deepEqual((await ok('changeRoute', of('a.org', { users: { finch: 'plain-secret' } }))).users, [
    'finch',
    'lark',
  ])
  const all = await readAll<unknown>(farm.store, '')
  const holding = all.filter(({ value }) => JSON.stringify(value).includes('$6$')).map(({ key }) => key)
  assert.deepEqual(holding, [keys.routeUsers(id)])
  assert.doesNotMatch(JSON.stringify(all), /plain-secret/)
  assert.doesNotMatch(JSON.stringify(await farm.ask('listData', { query: {} })), /\$6\$/)
  assert.deepEqual((await ok('changeRoute', of('a.org', { anybody: true }))).users, [])
  assert.deepEqual(await keysOf('secrets/'), [])
})

test('a dry run says what would differ and does nothing; two who add one name get one route', async () => {
  const { farm, ok, keysOf } = await farmWith('web')
  const dry = (await farm.ask('addRoute', { ...add('a.org'), query: { dryRun: '1' } })) as Accepted
  assert.deepEqual(
    dry.steps?.map(({ step }) => step),
    ['target'],
  )
  assert.deepEqual(await keysOf('routes/'), [])
  const both = await Promise.all([1, 2].map(() => farm.ask('addRoute', add('a.org'))))
  assert.equal(both.filter((answer) => answer !== undefined).length, 1)
  await ok('removeRoute', of('a.org'))
})

test('a revert puts back what one change touched, and is refused when that was set anew', async () => {
  const { farm, ok, refused } = await farmWith('web')
  await ok('addRoute', add('a.org', { to: 'web', rate: 5, users: { lark: 'secret' } }))
  await farm.pass(1)
  await ok('changeRoute', of('a.org', { rate: 9, names: 'b.org' }))
  await farm.pass(1)
  await ok('changeRoute', of('a.org', { maintenance: 'yes' }))
  const entries = await readAll<{ verb: string; after: { rate?: number; maintenance?: boolean } }>(
    farm.store,
    'history/of/route/a.org/',
  )
  const changed = entries.find(({ value }) => value.after.rate === 9 && !value.after.maintenance)
  const body = { kind: 'route', name: 'a.org', revision: changed?.revision }
  const back = await ok('revert', { body })
  assert.deepEqual([back.rate, back.names, back.maintenance, back.users], [5, undefined, true, ['lark']])
  await ok('addRoute', add('b.org'))
  await ok('changeRoute', of('a.org', { rate: 7 }))
  await refused('revert', { body }, /CHANGED_MEANWHILE/)
  const added = entries.find(({ value }) => value.verb === 'add')
  await refused('revert', { body: { ...body, revision: added?.revision } }, /changed since it was added/)
})

test('a revert of adding takes it back, one of removing adds it again, but where its passwords or its guest are gone', async () => {
  const { farm, refused, keysOf, ...farmOf } = await farmWith('web')
  const ok: typeof farmOf.ok = async (route, asked) => {
    await farm.pass(1)
    return farmOf.ok(route, asked)
  }
  /** Each change at a time of its own. */
  const last = async () => {
    await farm.pass(1)
    const entries = await readAll<{ verb: string }>(farm.store, 'history/of/route/a.org/')
    return entries.toSorted((a, b) => b.revision - a.revision)[0]?.revision
  }
  const revert = async (revision: number | undefined) => ({ body: { kind: 'route', name: 'a.org', revision } })
  await ok('addRoute', add('a.org', { to: 'web:8080', names: 'b.org', https: 'off', rate: 5 }))
  const added = await last()
  await ok('removeRoute', of('a.org'))
  const removed = await last()
  const again = await ok('revert', await revert(removed))
  assert.deepEqual([again.target, again.names, again.rate], ['web:8080', ['b.org'], 5])
  assert.equal(farm.edge.ask({ host: 'b.org', path: '/', secure: false })?.status, 200)
  await refused('revert', await revert(removed), /EXISTS/)
  await ok('revert', await revert(added))
  for (const prefix of ['routes/', 'domains/', 'ports/']) assert.deepEqual(await keysOf(prefix), [])

  const change = { to: 'web:8080', names: 'b.org', users: { ann: 'secret' }, maintenanceText: 'Back at noon' }
  await ok('addRoute', add('a.org', change))
  await ok('removeRoute', of('a.org'))
  await refused('revert', await revert(await last()), /took the passwords of ann/)
  await ok('addRoute', add('a.org', { to: 'web:8080' }))
  await ok('removeRoute', of('a.org'))
  const gone = await last()
  await ok('revert', await revert(gone))
  const dry = (await farm.ask('deleteGuest', { params: { guest: 'web' }, query: { dryRun: '1' } })) as Accepted
  assert.deepEqual(dry.steps?.at(-1), { what: 'a.org', step: 'lose target', detail: 'it leads to web' })
  assert.match(dry.warnings?.[0] ?? '', /^a\.org would have no target then: croft route set a\.org to=GUEST$/)
  await ok('removeRoute', of('a.org'))
  await farm.ask('deleteGuest', { params: { guest: 'web' } })
  await farm.pass(10)
  await refused('revert', await revert(await last()), /the guest that a.org led to is gone/)
})

test('who says wait=0 hears when it is written; many go to the edge together, and each is served a moment later', async () => {
  const { farm } = await farmWith('web')
  await farm.ask('addRoute', { body: { name: 'first.org', to: 'web', https: 'off' } })
  await farm.pass(1)
  const { ways } = farm.edge
  ways.length = 0
  const names = Array.from({ length: 20 }, (_, at) => `n${at}.org`)
  for (const name of names) {
    const said = await farm.ask('addRoute', { body: { name, to: 'web', https: 'off' }, query: { wait: '0' } })
    assert.match(JSON.stringify(said), /"warnings":\["it is not served yet/)
  }
  await farm.pass(1)
  assert.equal(ways.filter((way) => way !== 'none').length, 1)
  for (const host of names) assert.equal(farm.edge.ask({ host, path: '/', secure: false })?.status, 200)
  ways.length = 0
  await farm.ask('addRoute', { body: { name: 'last.org', to: 'web', https: 'off' } })
  assert.equal(farm.edge.ask({ host: 'last.org', path: '/', secure: false })?.status, 200)
  await farm.pass(1)
  assert.deepEqual(ways, ['reload'], 'what was told is not told again because a watch tells it')
})

test('the edge is told before the answer, and one that it would not take is refused before it is kept', async () => {
  const { farm, ok } = await farmWith('web')
  await ok('addRoute', add('a.org', { to: 'web:8080', https: 'off' }))
  assert.equal(farm.edge.ask({ host: 'a.org', path: '/', secure: false })?.status, 200)
  await ok('changeRoute', of('a.org', { maintenance: 'yes' }))
  assert.equal(farm.edge.ask({ host: 'a.org', path: '/', secure: false })?.status, 503)
  await ok('removeRoute', of('a.org'))
  assert.equal(farm.edge.ask({ host: 'a.org', path: '/', secure: false }), undefined)
})
