/** A site goes with all that is its own, from whatever it is doing; a daemon that dies meanwhile leaves nothing behind. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Accepted } from '../../src/api/resources.ts'
import { keys } from '../../src/daemon/records/keys.ts'
import { readAll } from '../../src/daemon/records/records.ts'
import { params, SiteFarm, site } from './sites-farm.ts'

const volume = (id: string, of: string) => ({
  put: keys.volume('ash', id),
  value: { schema: 1, id, site: of, name: 'uploads', sizeBytes: 2 ** 20, created: '' },
})

async function ready(): Promise<SiteFarm> {
  const farm = await new SiteFarm().begun('v1', 'v2')
  await farm.deployed({ version: 'v1' })
  await farm.ask('setSecret', { params: { ...params, secret: 'KEY' }, body: { value: 'canary' } })
  await farm.ask('changeConfig', { params, body: { set: { 'env.A': 'x' } } })
  return farm
}

async function assertGone(farm: SiteFarm): Promise<void> {
  for (let seconds = 0; seconds < 120 && (await readAll(farm.store, keys.sites)).length > 0; seconds += 5)
    await farm.pass(5)
  for (const prefix of ['sites/', 'configs/', 'secrets/', 'members/', 'rollouts/', 'guests/', 'routes/'])
    assert.deepEqual(
      (await readAll(farm.store, prefix)).map(({ key }) => key),
      [],
      prefix,
    )
}

const remove = (farm: SiteFarm, query = {}) =>
  farm.ask('removeSite', { params, query }) as Promise<Accepted | undefined>

test('its instances go first, and the operation ends when nothing is left', async () => {
  const farm = await ready()
  const answer = await remove(farm)
  assert.equal(answer?.operation?.state, 'running')
  await assertGone(farm)
  assert.equal((await farm.operation(answer?.operation?.id ?? '')).state, 'done')
})

test('in the middle of a deploy: what is on its way turns back, and all of it goes', async () => {
  const farm = await ready()
  assert.ok(await farm.deploy({ version: 'v2' }))
  assert.ok(await remove(farm))
  await assertGone(farm)
})

test('lasting data goes when that is said, and that of others never', async () => {
  const farm = await ready()
  await farm.store.transact([], [volume('a', site), volume('b', 'shop/test')])
  assert.equal(await remove(farm), undefined)
  assert.match(farm.lines.at(-1) ?? '', /REFUSED: site "shop\/prod" has lasting data: uploads/)
  assert.equal((await farm.site()).state, 'serves')
  assert.ok(await remove(farm, { discardData: '1' }))
  await assertGone(farm)
  const left = await readAll<{ site: string; deleting?: true }>(farm.store, keys.volumes('ash'))
  assert.deepEqual(
    left.filter(({ value }) => !value.deleting).map(({ value }) => value.site),
    ['shop/test'],
  )
})

test('the daemon dies at each step of it', async () => {
  const whole = await ready()
  const before = whole.passed.length
  await remove(whole)
  await assertGone(whole)
  const steps = whole.passed.length - before
  assert.ok(steps > 4, `${steps}`)
  for (let step = 1; step <= steps; step++) {
    const farm = await ready()
    farm.killAfter(step)
    await remove(farm)
    for (let seconds = 0; seconds < 60 && farm.isAlive; seconds += 1) await farm.pass(1)
    if (!farm.isAlive) await farm.boot()
    await assertGone(farm)
  }
})
