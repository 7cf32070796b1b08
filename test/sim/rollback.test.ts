/** Going back: the release, and what was set when it ran; what stays is said. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Accepted, HistoryEntry } from '../../src/api/resources.ts'
import type { ConfigDifference, SiteConfig } from '../../src/api/site.ts'
import { keys } from '../../src/daemon/records/keys.ts'
import { readAll } from '../../src/daemon/records/records.ts'
import { params, SiteFarm } from './sites-farm.ts'

const set = (farm: SiteFarm, values: object) => farm.ask('changeConfig', { params, body: { set: values } })
async function setOf(farm: SiteFarm): Promise<Record<string, unknown>> {
  const { values } = (await farm.ask('getConfig', { params })) as SiteConfig
  return Object.fromEntries(
    values.flatMap(({ path, value, origin }) => (origin?.layer === 'stage' ? [[path, value]] : [])),
  )
}

/** v1 with A=1, then v2 with A=2 and B, and a third instance. */
async function moved(): Promise<SiteFarm> {
  const farm = await new SiteFarm().begun('v1', 'v2')
  await set(farm, { 'env.A': '1' })
  await farm.deployed({ version: 'v1' })
  await set(farm, { 'env.A': '2', 'env.B': 'x' })
  await farm.ask('setSecret', { params: { ...params, secret: 'KEY' }, body: { value: 'x' } })
  await farm.deployed({ version: 'v2', instances: 3, domains: ['shop.org'] })
  return farm
}

test('a rollback brings the configuration that the release ran with; number and domains stay, and it is told', async () => {
  const farm = await moved()
  const planned = (await farm.ask('deploySite', { params, query: { dryRun: '1' }, body: { back: true } })) as Accepted
  assert.ok(
    planned.steps?.some(({ step, detail }) => /A.*2.*1/.test(`${step} ${detail}`)),
    JSON.stringify(planned),
  )
  const answer = (await farm.deploy({ back: true })) as Accepted
  assert.deepEqual(
    answer.warnings?.map((line) => line.replace(/;.*/, '')),
    ['as it was set with shop:v1: env.A, env.B', 'secrets are not taken back'],
  )
  await farm.pass(60)
  const { release, count, domains } = await farm.site()
  assert.deepEqual([release, count, domains], ['shop:v1', 3, ['shop.org']])
  assert.deepEqual(await setOf(farm), { 'env.A': '1', 'instances.count': 3, 'route.domains': ['shop.org'] })
  assert.deepEqual((await farm.ask('diffConfig', { params })) as ConfigDifference[], [])
  const history = (await farm.ask('listHistory', { query: { kind: 'config', name: 'shop/prod' } })) as HistoryEntry[]
  assert.deepEqual(
    [history[0]?.verb, history[0]?.before, history[0]?.after],
    ['rollback', { 'env.A': '2', 'env.B': 'x' }, { 'env.A': '1' }],
  )
  await farm.deployed({ back: true })
  assert.deepEqual(await setOf(farm), {
    ...{ 'env.A': '2', 'env.B': 'x', 'instances.count': 3 },
    'route.domains': ['shop.org'],
  })
})

test('the release alone is taken back when that is said, and where nothing is known of what was set', async () => {
  const farm = await moved()
  await farm.deployed({ back: true, codeOnly: true })
  const now = await setOf(farm)
  assert.deepEqual([(await farm.site()).release, now['env.A'], now['env.B']], ['shop:v1', '2', 'x'])
  await farm.release('v9')
  const never = (await farm.deploy({ back: true, version: 'v9' })) as Accepted
  assert.deepEqual(never.warnings, ['what was set when shop:v9 ran here is not known: what is set now stays'])
  await farm.pass(60)
  assert.equal((await setOf(farm))['env.A'], '2')
})

async function failedBack(farm: SiteFarm, meanwhile: () => Promise<unknown> = async () => {}) {
  farm.unwell = ({ number }) => (number > 5 ? 'nothing listens there' : undefined)
  const answer = (await farm.deploy({ back: true })) as Accepted
  await meanwhile()
  await farm.pass(60)
  const { state, error } = await farm.operation(answer.operation?.id ?? '')
  assert.equal(state, 'failed')
  return error
}

test('a rollback that fails sets again what was set before; what is kept goes with the site', async () => {
  const farm = await moved()
  const before = await setOf(farm)
  const error = await failedBack(farm)
  assert.match(error?.message ?? '', /shop:v2 serves on.*\nwhat was set before is set again/s)
  assert.equal(error?.hint, 'croft site show shop/prod')
  assert.deepEqual(await setOf(farm), before)
  assert.deepEqual((await farm.ask('diffConfig', { params })) as ConfigDifference[], [])
  const [last] = (await farm.ask('listHistory', { query: { kind: 'config', name: 'shop/prod' } })) as HistoryEntry[]
  assert.deepEqual(
    [last?.verb, last?.before, last?.after],
    ['rollback failed', { 'env.A': '1' }, { 'env.A': '2', 'env.B': 'x' }],
  )
  assert.equal((await readAll(farm.store, keys.ranOf('shop/prod'))).length, 2)
  await farm.ask('removeSite', { params })
  await farm.pass(90)
  assert.deepEqual(await readAll(farm.store, 'ran/'), [])
})

test('what was set anew while a rollback failed stays, and the way back is told', async () => {
  const farm = await moved()
  const error = await failedBack(farm, () => set(farm, { 'env.A': '7' }))
  assert.match(error?.hint ?? '', /croft config revert shop\/prod REVISION/)
  assert.equal((await setOf(farm))['env.A'], '7')
})

test('a rollback that waits its turn puts back as well', async () => {
  const farm = await moved()
  await farm.deploy({ anew: true })
  await farm.pass(1)
  const answer = (await farm.deploy({ back: true, queue: true })) as Accepted
  await farm.pass(120)
  assert.equal((await farm.operation(answer.operation?.id ?? '')).state, 'done')
  assert.deepEqual([(await farm.site()).release, (await setOf(farm))['env.A']], ['shop:v1', '1'])
})
