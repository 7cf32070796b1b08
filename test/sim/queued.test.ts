/** A deploy behind another one: it waits in the record, begins when the first has ended, and never mixes with it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { params, SiteFarm } from './sites-farm.ts'

const last = (farm: SiteFarm): string => farm.lines.at(-1) ?? ''

/** v2 is at its gate, and v3 waits behind it. */
async function waiting() {
  const farm = await new SiteFarm().begun('v1', 'v2', 'v3')
  await farm.deployed({ version: 'v1', domains: ['shop.org'] })
  farm.unwell = ({ number }) => (number > 2 && number < 5 ? 'nothing listens there' : undefined)
  const first = (await farm.deploy({ version: 'v2' }))?.operation?.id ?? ''
  await farm.pass(1)
  const second = (await farm.deploy({ version: 'v3', queue: true }))?.operation?.id ?? ''
  const stateOf = async (id: string) => (await farm.operation(id)).state
  return { farm, first, second, stateOf }
}

test('it begins when the first has failed, is shown meanwhile, and survives the daemon', async () => {
  const { farm, first, second, stateOf } = await waiting()
  assert.equal((await farm.site()).rollout?.next?.verb, 'deploy')
  assert.match((await farm.operation(second)).log[0] ?? '', /^▲ waits: shop\/prod is being deployed by root since/)
  assert.deepEqual([(await farm.site()).rollout?.to, await stateOf(second)], ['shop:v2', 'running'])
  farm.kill()
  await farm.boot()
  await farm.pass(120)
  assert.deepEqual([await stateOf(first), await stateOf(second)], ['failed', 'done'])
  const { release, state, rollout } = await farm.site()
  assert.deepEqual([release, state, rollout?.next], ['shop:v3', 'serves', undefined])
  assert.ok((await farm.members()).every((member) => member.includes('shop:v3 ready')))
})

test('a third is refused, so is what could not be deployed, and cancel takes the second back alone', async () => {
  const { farm, first, second, stateOf } = await waiting()
  assert.equal(await farm.deploy({ version: 'v1', queue: true }), undefined)
  assert.match(last(farm), /BUSY: shop\/prod is being deployed by root, and root waits behind: deploy/)
  await farm.ask('cancelOperation', { params: { operation: second } })
  assert.deepEqual([await stateOf(second), await stateOf(first)], ['cancelled', 'running'])
  assert.equal((await farm.site()).rollout?.next, undefined)
  assert.equal(await farm.deploy({ version: 'v9', queue: true }), undefined)
  assert.match(last(farm), /NOT_FOUND: no release "shop:v9"/)
  assert.equal(await farm.deploy({ version: 'v3' }), undefined, 'without a queue it is refused')
  const again = (await farm.deploy({ version: 'v1', queue: true }))?.operation?.id ?? ''
  await farm.pass(120)
  assert.deepEqual([await stateOf(first), await stateOf(again)], ['failed', 'done'], 'nothing was left to do')
  assert.equal((await farm.site()).release, 'shop:v1')
})

test('what cannot be any more when its turn comes is told; a site that goes takes it along', async () => {
  const { farm, second } = await waiting()
  await farm.ask('setSecret', { params: { ...params, secret: 'X' }, body: { value: 'x' } })
  await farm.ask('changeConfig', { params, body: { set: { 'env.A': '${secret.Y}' } } })
  await farm.pass(60)
  const { state, error } = await farm.operation(second)
  assert.deepEqual([state, error?.message], ['failed', 'shop/prod has no secret Y (env.A by croft config set)'])
  const other = await waiting()
  await other.farm.ask('removeSite', { params })
  await other.farm.pass(120)
  assert.deepEqual([await other.stateOf(other.second), await other.farm.guestNames()], ['failed', []])
})
