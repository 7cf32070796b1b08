/** A secret through a deploy: instances have it in their sealed seeds, and no record tells it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConfigDifference, SiteConfig } from '../../src/api/site.ts'
import { keys } from '../../src/daemon/records/keys.ts'
import { readAll } from '../../src/daemon/records/records.ts'
import { params, plain, SiteFarm, site } from './sites-farm.ts'

const setSecret = (farm: SiteFarm, value: string) =>
  farm.ask('setSecret', { params: { ...params, secret: 'DB_PASSWORD' }, body: { value } })

async function deployed(): Promise<SiteFarm> {
  const farm = await new SiteFarm().begun()
  await farm.release('v1', { ...plain, env: { DB: 'lark:${secret.DB_PASSWORD}@db' } })
  return farm
}

const openSeeds = async (farm: SiteFarm): Promise<string[]> => {
  const { open } = await farm.parts.seal()
  const seeds = await readAll<{ sealed: string }>(farm.store, keys.seed('ash', 0).slice(0, -5))
  return seeds.map(({ key, value }) => open(key, value.sealed))
}

test('a deploy that lacks a secret is refused before anything begins', async () => {
  const farm = await deployed()
  assert.equal(await farm.deploy({ version: 'v1' }), undefined)
  assert.match(farm.lines.at(-1) ?? '', /REFUSED: shop\/prod has no secret DB_PASSWORD/)
  assert.deepEqual(await readAll(farm.store, keys.guests('ash')), [])
})

test('it is in the seeds, and in no record and no answer', async () => {
  const farm = await deployed()
  await setSecret(farm, 'canary-1')
  await farm.deployed({ version: 'v1' })
  const seeds = await openSeeds(farm)
  assert.equal(seeds.length, 2)
  for (const seed of seeds) assert.match(seed, /lark:canary-1@db/)
  const records = JSON.stringify(await readAll(farm.store, ''))
  for (const form of ['canary', Buffer.from('canary').toString('base64').slice(0, 7)])
    assert.ok(!records.includes(form), form)
  const config = (await farm.ask('getConfig', { params })) as SiteConfig
  assert.equal(config.values.find(({ path }) => path === 'env.DB')?.value, 'lark:${secret.DB_PASSWORD}@db')
})

test('set anew it is told to be, and the next deploy makes instances that have it', async () => {
  const farm = await deployed()
  await setSecret(farm, 'canary-1')
  const { instances } = await farm.deployed({ version: 'v1' })
  const differs = async () => (await farm.ask('diffConfig', { params })) as ConfigDifference[]
  assert.deepEqual(await differs(), [])
  await setSecret(farm, 'canary-2')
  assert.deepEqual(
    (await differs()).map(({ path, next, origin }) => [path, next, origin?.by]),
    [['secret.DB_PASSWORD', 'set since', 'root']],
  )
  const again = await farm.deployed({})
  assert.deepEqual(await differs(), [])
  const old = new Set(instances.map(({ name }) => name))
  assert.ok(
    again.instances.every(({ name }) => !old.has(name)),
    site,
  )
  assert.match((await openSeeds(farm)).join(), /canary-2/)
  assert.doesNotMatch((await openSeeds(farm)).join(), /canary-1/)
})

test('what is set takes effect with the next deploy, and what was set so already makes nothing new', async () => {
  const farm = await deployed()
  await setSecret(farm, 'canary-1')
  const before = await farm.deployed({ version: 'v1' })
  await farm.ask('changeConfig', { params, body: { set: { 'env.DB': 'other', 'instances.count': '3' } } })
  assert.deepEqual(
    (await farm.site()).instances.map(({ name }) => name),
    before.instances.map(({ name }) => name),
  )
  assert.equal((await farm.site()).count, 2)
  const after = await farm.deployed({})
  assert.deepEqual([after.count, after.instances.length, after.state], [3, 3, 'serves'])
  for (const seed of await openSeeds(farm)) assert.match(seed, /DB=.{0,3}other/)
  const same = await farm.deploy({})
  assert.equal(same?.unchanged, true)
})
