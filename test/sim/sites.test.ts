/** Applications and sites as records: what belongs to what, and what may go. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { App } from '../../src/api/app.ts'
import type { Accepted } from '../../src/api/resources.ts'
import type { RouteName } from '../../src/api/routes.ts'
import type { Site } from '../../src/api/site.ts'
import { readAll } from '../../src/daemon/records/records.ts'
import { SimFarm } from './farm.ts'

type Asked = Parameters<SimFarm['ask']>[1]

async function openFarm() {
  const farm = await new SimFarm().open()
  const all = async () =>
    (
      await Promise.all(['apps/', 'sites/', 'configs/', 'secrets/', 'history/'].map((at) => readAll(farm.store, at)))
    ).flat()
  return {
    farm,
    all,
    get: <T>(route: RouteName, params = {}): Promise<T> => farm.ask(route, { params }) as Promise<T>,
    async ok<T>(route: RouteName, asked: Asked): Promise<T> {
      const answer = (await farm.ask(route, asked)) as Accepted<T> | undefined
      assert.ok(answer, farm.lines.at(-1) ?? '')
      return answer.result as T
    },
    async refused(route: RouteName, asked: Asked, pattern: RegExp): Promise<void> {
      const before = await all()
      assert.equal(await farm.ask(route, asked), undefined, JSON.stringify(asked))
      assert.match(farm.lines.at(-1) ?? '', pattern)
      assert.deepEqual(await all(), before, 'nothing was changed')
    },
  }
}

const site = { params: { site: 'shop/prod' } }
const app = { params: { app: 'shop' } }

test('a site brings its app along, and both are shown', async () => {
  const { ok, get } = await openFarm()
  const made = await ok<Site>('addSite', { body: { name: 'shop/prod' } })
  assert.deepEqual(
    [made.name, made.state, made.release, made.instances, made.rollout],
    ['shop/prod', 'empty', null, [], null],
  )
  await ok('addSite', { body: { name: 'shop/devel' } })
  const { sites, git } = await get<App>('getApp', app.params)
  assert.deepEqual([sites, git], [['shop/devel', 'shop/prod'], null])
  assert.deepEqual(
    (await get<App[]>('listApps')).map(({ name }) => name),
    ['shop'],
  )
  assert.deepEqual(
    (await get<Site[]>('listSites')).map(({ name }) => name),
    ['shop/devel', 'shop/prod'],
  )
})

test('where the code is can be said, changed and forgotten; a ref without a repository is nothing', async () => {
  const { ok, refused } = await openFarm()
  const url = 'git@git.example.org:shop.git'
  assert.deepEqual((await ok<App>('addApp', { body: { name: 'shop', git: url } })).git, { url, ref: 'HEAD' })
  assert.deepEqual((await ok<App>('changeApp', { ...app, body: { ref: 'v2' } })).git, { url, ref: 'v2' })
  assert.equal((await ok<App>('changeApp', { ...app, body: { git: 'none' } })).git, null)
  await refused('changeApp', { ...app, body: { ref: 'v3' } }, /BAD_VALUE: a ref is of a repository, and shop has none/)
  await refused('addApp', { body: { name: 'blog', ref: 'v3' } }, /BAD_VALUE/)
  await refused('addApp', { body: { name: 'shop' } }, /EXISTS: there is an app "shop"/)
})

test('an app that has sites stays, a site that is there is not made twice, and templates keep their names', async () => {
  const { ok, refused, get, all } = await openFarm()
  await ok('addSite', { body: { name: 'shop/prod' } })
  await refused('addSite', { body: { name: 'shop/prod' } }, /EXISTS/)
  await refused('removeApp', app, /IN_USE: app "shop" has shop\/prod/)
  await ok('buildTemplate', { body: { ref: 'tools:1', from: 'debian:12' } })
  await refused('addApp', { body: { name: 'tools' } }, /EXISTS: there is a template "tools:1"/)
  await refused('addSite', { body: { name: 'tools/prod' } }, /EXISTS: there is a template/)
  await refused('buildTemplate', { body: { ref: 'shop:v1', from: 'debian:12' } }, /EXISTS: "shop" is an app/)
  await ok('removeSite', site)
  await refused('removeSite', site, /NOT_FOUND: no site "shop\/prod"/)
  await ok('removeApp', app)
  assert.deepEqual(await get('listSites'), [])
  const left = (await all()).map(({ key }) => key).filter((key) => !key.startsWith('history/'))
  assert.deepEqual(left, [])
})

test('a plan says what would be done, and does nothing', async () => {
  const { farm, all } = await openFarm()
  const before = await all()
  const planned = (await farm.ask('addSite', { body: { name: 'shop/prod' }, query: { dryRun: '1' } })) as Accepted
  assert.deepEqual(planned.steps, [{ what: 'shop/prod', step: 'add', detail: 'site' }])
  assert.deepEqual(await all(), before)
})
