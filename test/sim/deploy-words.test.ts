/** What a deploy says beside what it does: what goes along, what is refused and why, and what goes with a site. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Deploy } from '../../src/api/deploy.ts'
import type { Accepted } from '../../src/api/resources.ts'
import type { Ended } from '../../src/daemon/host/inside.ts'
import { decideRollout } from '../../src/daemon/records/rollouts.ts'
import { params, SiteFarm } from './sites-farm.ts'

const last = (farm: SiteFarm): string => farm.lines.at(-1) ?? ''
const set = (farm: SiteFarm, values: object) => farm.ask('changeConfig', { params, body: { set: values } })

async function serving(): Promise<SiteFarm> {
  const farm = await new SiteFarm().begun('v1', 'v2')
  await farm.deployed({ version: 'v1', domains: ['shop.org'] })
  return farm
}

test('what was set meanwhile is named when a site is scaled or restarted, and its operation is called so', async () => {
  const farm = await serving()
  const three = await farm.deploy({ instances: 3 })
  assert.deepEqual([three?.operation?.verb, three?.warnings], ['scale', undefined])
  await farm.pass(60)
  await set(farm, { 'env.A': 'x' })
  const two = await farm.deploy({ instances: 2 })
  assert.match(two?.warnings?.join() ?? '', /^what was set since the last deploy goes along: env\.A;/)
  await farm.pass(60)
  assert.deepEqual((await farm.deploy({ anew: true }))?.warnings, undefined, 'it was deployed')
  await farm.pass(60)
  await set(farm, { 'env.B': 'x' })
  assert.deepEqual((await farm.deploy({ version: 'v2' }))?.warnings, undefined, 'a deploy is what it waited for')
})

test('no instances and sizes that are not there are refused, with the way that is meant', async () => {
  const farm = await serving()
  for (const [values, pattern] of [
    [{ 'instances.count': '0' }, /BAD_VALUE: instances.count must be 1 to 100; to stop it: croft site stop SITE/],
    [{ 'instances.size': 'giant' }, /NOT_FOUND: no size "giant"/],
  ] as const) {
    assert.equal(await set(farm, values), undefined)
    assert.match(last(farm), pattern)
  }
  assert.equal(await farm.deploy({ version: 'v2', size: 'giant' }), undefined)
  assert.match(last(farm), /NOT_FOUND: no size "giant"/)
  const [issue] = Deploy.safeParse({ instances: '0' }).error?.issues ?? []
  assert.equal(issue?.message, 'must be 1 to 100; to stop it: croft site stop SITE')
  assert.equal((await farm.site()).state, 'serves')
  assert.equal((await farm.rollout())?.to, 'shop:v1')
})

test('a domain of another site is not to be taken by removing its route', async () => {
  const farm = await serving()
  await farm.ask('addSite', { body: { name: 'shop/test' } })
  const asked = { site: 'shop/test', version: 'v1', domains: ['shop.org'], verb: 'deploy' }
  const ids = { id: 'a', anew: 'b' }
  await assert.rejects(decideRollout(farm.daemon, { name: 'root', role: 'operator' }, asked, ids), {
    message: 'shop.org belongs to route "shop.org"',
    hint: 'croft site show shop/prod · croft config show shop/prod --explain',
  })
})

test('the lines of a failure are those of the daemon that was asked; when it said none, those about it', async () => {
  for (const silent of [false, true]) {
    const farm = await serving()
    farm.inside = {
      async run(_number, words): Promise<Ended> {
        if (words.includes('_SYSTEMD_UNIT=app-web.service')) return { code: 0, lines: silent ? [] : ['its own'] }
        return { code: 0, lines: words.includes('--unit=app-web.service') ? ['of it'] : ['of others'] }
      },
    }
    farm.kill()
    await farm.boot()
    farm.unwell = ({ number }) => (number > 2 ? 'GET /up answered 500' : undefined)
    await farm.deploy({ version: 'v2' })
    await farm.pass(60)
    assert.deepEqual((await farm.site()).rollout?.lines, [silent ? 'of it' : 'its own'])
  }
})

test('all that goes with a site is in the plan of its removal', async () => {
  const farm = await serving()
  const plan = (await farm.ask('removeSite', { params, query: { dryRun: '1' } })) as Accepted
  assert.deepEqual(
    plan.steps?.map(({ what, detail }) => `${what} ${detail}`),
    ['shop/prod/1 instance', 'shop/prod/2 instance', 'shop.org route', 'shop/prod site, its configuration and secrets'],
  )
  assert.equal((await farm.site()).state, 'serves')
})
