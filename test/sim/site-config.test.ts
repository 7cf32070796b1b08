/** What is set of a site, and its secrets: who said it, what history keeps, and that no secret is told. */
import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Accepted, HistoryEntry } from '../../src/api/resources.ts'
import type { RouteName } from '../../src/api/routes.ts'
import type { ConfigDifference, ConfigLine, Secret, SiteConfig } from '../../src/api/site.ts'
import type { ReleaseFacts, SiteRecord } from '../../src/daemon/records/app-records.ts'
import { keys } from '../../src/daemon/records/keys.ts'
import { read, readAll, type TemplateRecord } from '../../src/daemon/records/records.ts'
import { configOf } from '../../src/daemon/records/site-config.ts'
import { openSecrets } from '../../src/daemon/records/sites.ts'
import { SimFarm } from './farm.ts'

type Asked = Parameters<SimFarm['ask']>[1]
const site = { site: 'shop/prod' }

async function farmWithSite() {
  const farm = await new SimFarm().open()
  await farm.ask('addSite', { body: { name: 'shop/prod' } })
  const all = async () => (await readAll(farm.store, '')).filter(({ key }) => !key.startsWith('status/'))
  return {
    farm,
    get: <T>(route: RouteName, query: Readonly<Record<string, string>> = {}, params: object = site): Promise<T> =>
      farm.ask(route, { params: params as Record<string, string>, query }) as Promise<T>,
    async ok(route: RouteName, asked: Asked): Promise<Accepted> {
      const answer = (await farm.ask(route, asked)) as Accepted | undefined
      assert.ok(answer, farm.lines.at(-1) ?? '')
      // Of one moment and one thing there is one entry of history.
      await farm.pass(0.01)
      return answer
    },
    set: (body: object): Asked => ({ params: site, body }),
    async refused(route: RouteName, asked: Asked, pattern: RegExp): Promise<void> {
      const before = await all()
      assert.equal(await farm.ask(route, asked), undefined, JSON.stringify(asked))
      assert.match(farm.lines.at(-1) ?? '', pattern)
      assert.deepEqual(await all(), before, 'nothing was changed')
    },
  }
}

/** As a build would leave it, and a deploy. */
async function release(farm: SimFarm, config: ReleaseFacts['config']): Promise<void> {
  const [template] = await readAll<TemplateRecord>(farm.store, keys.templates)
  const facts: ReleaseFacts = {
    ...{ app: 'shop', version: 'v1', commit: null, source: 'here', platform: 'plain', config },
    ...{ hash: 'x', by: 'root', build: 'b', buildSeconds: 1 },
  }
  const site = await read<SiteRecord>(farm.store, keys.site('shop/prod'))
  assert.ok(template && site)
  await farm.store.transact(
    [],
    [
      { put: keys.template('shop:v1'), value: { ...template.value, ref: 'shop:v1', release: facts } },
      { put: site.key, value: { ...site.value, release: 'shop:v1' } },
    ],
  )
}

const shown = ({ values }: SiteConfig): object =>
  Object.fromEntries(values.map(({ path, value, origin }: ConfigLine) => [path, [value, origin?.layer, origin?.by]]))
const app = { env: { A: 'app', B: '${env.A}!' }, daemon: { web: { command: 'serve', port: 80 } } }

test('the last layer that says something counts, and it is told whose word it is', async () => {
  const { farm, get, ok, set } = await farmWithSite()
  assert.deepEqual((await get<SiteConfig>('getConfig')).values, [])
  await release(farm, app)
  await ok('changeConfig', set({ set: { 'env.A': 'stage', 'instances.count': '3' } }))
  await ok('changeConfig', set({ set: { 'env.A': 'one' }, instance: '1' }))
  const stage = shown(await get('getConfig'))
  assert.partialDeepStrictEqual(stage, {
    'env.A': ['stage', 'stage', 'root'],
    'env.B': ['stage!', 'app', undefined],
    'instances.count': [3, 'stage', 'root'],
    'daemon.web.port': [80, 'app', undefined],
  })
  const first = shown(await get('getConfig', { instance: '1' }))
  assert.partialDeepStrictEqual(first, { 'env.A': ['one', 'instance', 'root'], 'env.B': ['one!', 'app', undefined] })
  assert.deepEqual(shown(await get('getConfig', { instance: '2' })), stage)
  const all = shown(await get('getConfig', { all: '1' }))
  assert.partialDeepStrictEqual(all, { 'daemon.web.user': ['app', undefined, undefined] })
})

test('what is said for a host counts on that host alone', async () => {
  const { farm, get, ok, set } = await farmWithSite()
  await release(farm, app)
  await ok('changeConfig', set({ set: { 'env.A': 'here' }, host: 'ash' }))
  await ok('changeConfig', set({ set: { 'env.A': 'elsewhere' }, host: 'oak' }))
  assert.partialDeepStrictEqual(shown(await get('getConfig')), { 'env.A': ['here', 'host', 'root'] })
})

test('a value that is none is refused with what was meant, and so is what a site cannot say', async () => {
  const { refused, set } = await farmWithSite()
  await refused('changeConfig', set({ set: { 'env.A': 'x', 'instance.count': '3' } }), /did you mean "?instances/)
  await refused('changeConfig', set({ set: { 'instances.count': 'many' } }), /BAD_VALUE/)
  await refused('changeConfig', set({ set: { 'daemon.web.command': 'a\nb' } }), /BAD_VALUE/)
  await refused('changeConfig', set({ set: { 'build.base': 'debian:13' } }), /is not of one site/)
  await refused('changeConfig', set({ set: { 'instances.count': '2' }, instance: '1' }), /is of the whole site/)
  await refused('changeConfig', set({ set: { 'env.__proto__': 'x' } }), /BAD_VALUE/)
  await refused('changeConfig', set({ unset: ['env.A'] }), /NOT_FOUND: nothing is set at env.A/)
  await refused('changeConfig', { params: { site: 'shop/none' }, body: {} }, /NOT_FOUND: no site/)
})

test('history tells what changed; a revert puts that back, unless it was set anew since', async () => {
  const { farm, get, ok, set, refused } = await farmWithSite()
  await ok('changeConfig', set({ set: { 'env.A': '1', 'env.B': '1' } }))
  await ok('changeConfig', set({ set: { 'env.A': '2' } }))
  await ok('changeConfig', set({ unset: ['env.B'] }))
  const again = await ok('changeConfig', set({ set: { 'env.A': '2' } }))
  assert.equal(again.unchanged, true)
  const entries = await get<HistoryEntry[]>('listHistory', { kind: 'config', name: 'shop/prod' }, {})
  assert.deepEqual(
    entries.map(({ verb, before, after }) => [verb, before, after]),
    [
      ['unset', { 'env.B': '1' }, {}],
      ['set', { 'env.A': '1' }, { 'env.A': '2' }],
      ['set', {}, { 'env.A': '1', 'env.B': '1' }],
    ],
  )
  const back = (at: number): Asked => ({
    body: { kind: 'config', name: 'shop/prod', revision: entries[at]?.revision },
  })
  await refused('revert', back(2), /CHANGED_MEANWHILE: env.A was set anew since/)
  await ok('revert', back(0))
  await ok('revert', back(1))
  assert.equal((await ok('revert', back(1))).unchanged, true)
  const stage = (await read<{ values: object }>(farm.store, keys.siteConfig('shop/prod')))?.value.values
  assert.partialDeepStrictEqual(stage, { 'env.A': { value: '1' }, 'env.B': { value: '1' } })
})

test('it is said what the next deploy would change, and that it cannot be like this', async () => {
  const { farm, get, ok, set, refused } = await farmWithSite()
  await refused('diffConfig', { params: site }, /REFUSED: nothing was deployed to shop\/prod yet/)
  await release(farm, app)
  const { parts } = farm
  const { config } = await configOf(parts, 'shop/prod', 'shop:v1')
  const members = { schema: 1, id: 'x', next: 1, members: [], serves: { to: 'shop:v1', hash: 'x', config, slots: [] } }
  await farm.store.transact([], [{ put: keys.membersOf('shop/prod'), value: members }])
  assert.deepEqual(await get('diffConfig'), [])
  await ok('changeConfig', set({ set: { 'env.A': 'new' } }))
  const told = (await get<ConfigDifference[]>('diffConfig')).map(({ path, now, next }) => [path, now, next])
  assert.deepEqual(told, [
    ['env.A', 'app', 'new'],
    ['env.B', 'app!', 'new!'],
  ])
  const { warnings = [] } = await ok('changeConfig', set({ set: { 'env.A': '${env.B}' } }))
  assert.match(warnings.join(), /with shop:v1 it cannot be deployed like this: .*goes round in a circle/)
  assert.match((await get<SiteConfig>('getConfig')).problem ?? '', /circle/)
  const { warnings: plain = [] } = await ok(
    'changeConfig',
    set({ set: { 'env.A': 'x', 'env.DB_PASSWORD': 'hunter2' } }),
  )
  assert.match(plain.join(), /env.DB_PASSWORD is kept in plain/)
})

test('the file of a host is read when it is root’s alone', async () => {
  const { farm, get } = await farmWithSite()
  const folder = await mkdtemp(join(tmpdir(), 'croft-sites-'))
  try {
    await release(farm, app)
    farm.sitesDir = folder
    await farm.boot()
    const file = join(folder, 'shop.toml')
    const line = async () => (await get<SiteConfig>('getConfig'))?.values.find(({ path }) => path === 'env.A')
    assert.equal((await line())?.value, 'app')
    await writeFile(file, '[env]\nA = "host"\n', { mode: 0o644 })
    assert.deepEqual([(await line())?.value, (await line())?.origin?.from], ['host', file])
    const wrong = async (pattern: RegExp) => {
      assert.equal(await get('getConfig'), undefined)
      assert.match(farm.lines.at(-1) ?? '', pattern)
    }
    await chmod(file, 0o664)
    await wrong(/REFUSED: .*shop.toml is not read: others may write it \(0664\)/)
    await chmod(file, 0o644)
    await chmod(folder, 0o777)
    await wrong(/is not read: others may write it \(0777\)/)
    await chmod(folder, 0o755)
    await writeFile(file, '[env]\nA = "host"\n[daemon.web]\nprot = 1\n')
    await wrong(/BAD_VALUE: .*shop.toml:4:1: .*did you mean "port"/)
    await rm(file)
    await symlink('/etc/passwd', file)
    await wrong(/is not read: it is a link/)
    await rm(file)
    await mkdir(file)
    await wrong(/is not read: it is no file/)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

test('a secret is sealed, told to nobody, and opens under its own name alone', async () => {
  const { farm, get, ok, refused } = await farmWithSite()
  const of = (secret: string, value?: string): Asked => ({
    params: { ...site, secret },
    ...(value === undefined ? {} : { body: { value } }),
  })
  const key = 'one\ntwo\n'
  await ok('setSecret', of('DB_PASSWORD', 'canary-1'))
  await ok('setSecret', of('DB_PASSWORD', 'canary-2'))
  await ok('setSecret', of('TLS_KEY', key))
  assert.deepEqual(await openSecrets(farm.parts, 'shop/prod'), { DB_PASSWORD: 'canary-2', TLS_KEY: key })
  assert.deepEqual(
    (await get<Secret[]>('listSecrets')).map(({ name, by }) => [name, by]),
    [
      ['DB_PASSWORD', 'root'],
      ['TLS_KEY', 'root'],
    ],
  )
  assert.doesNotMatch(JSON.stringify(await readAll(farm.store, '')), /canary/)
  const history = await get<HistoryEntry[]>('listHistory', { kind: 'secret', name: 'shop/prod/DB_PASSWORD' }, {})
  assert.deepEqual(
    history.map(({ verb, before, after }) => [verb, before, after]),
    [
      ['set', 'set', 'set'],
      ['set', null, 'set'],
    ],
  )
  await refused('removeSecret', of('NONE'), /NOT_FOUND: shop\/prod has no secret NONE/)
  const sealed = await read<object>(farm.store, keys.siteSecret('shop/prod', 'DB_PASSWORD'))
  await farm.store.transact(
    [],
    [{ put: keys.siteSecret('shop/prod', 'TLS_KEY'), value: { ...sealed?.value, name: 'TLS_KEY' } }],
  )
  await assert.rejects(openSecrets(farm.parts, 'shop/prod'), /TLS_KEY cannot be opened/)
  await ok('removeSecret', of('TLS_KEY'))
  await ok('removeSite', { params: site })
  assert.deepEqual(await readAll(farm.store, 'secrets/'), [])
  assert.deepEqual(await readAll(farm.store, 'configs/'), [])
})

test('so many secrets and no more: all of them go with their site at once', async () => {
  const { ok, refused, farm } = await farmWithSite()
  const of = (at: number): Asked => ({ params: { ...site, secret: `S${at}` }, body: { value: 'x' } })
  for (let at = 0; at < 60; at++) await ok('setSecret', of(at))
  await refused('setSecret', of(60), /TOO_LARGE: shop\/prod has 60 secrets/)
  await ok('setSecret', of(7))
  await ok('removeSite', { params: site })
  assert.deepEqual(await readAll(farm.store, 'secrets/'), [])
})
