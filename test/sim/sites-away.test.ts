/** Nothing is heard of the host of a site's instance: nobody says that it serves, and nothing begins elsewhere by itself. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Accepted, Status } from '../../src/api/resources.ts'
import type { Site } from '../../src/api/site.ts'
import { SimHosts } from './several.ts'

const params = { site: 'shop/prod' }
const shop = async (farm: SimHosts, by: string) => (await farm.ask(by, 'getSite', { params })) as Site

test('its site is away, until the host is back; of one that is dead it begins elsewhere when that is asked for', async () => {
  const farm = await SimHosts.open('ash', 'birch', 'cedar')
  await farm.release('v1')
  await farm.ask('ash', 'addSite', { body: { name: 'shop/prod' } })
  const deploy = async (by: string, body: object) => {
    const answer = (await farm.ask(by, 'deploySite', { params, body })) as Accepted
    assert.ok(await farm.until(async () => (await shop(farm, by)).rollout?.state !== 'running'), farm.lines.join('\n'))
    return answer
  }
  await deploy('ash', { version: 'v1', instances: 3 })
  await deploy('ash', { instances: 1 })
  const [only] = (await shop(farm, 'ash')).instances
  const host = only?.host ?? ''
  const by = host === 'birch' ? 'ash' : 'birch'
  const attention = async (of = 'shop/prod') =>
    ((await farm.ask(by, 'getStatus')) as Status).attention.find(({ what }) => what === of)
  assert.equal((await shop(farm, by)).state, 'serves')

  farm.cut(host)
  assert.ok(await farm.until(async () => (await shop(farm, by)).state !== 'serves'), farm.lines.join('\n'))
  const away = await shop(farm, by)
  const why = `0 of 1 instances answer; host ${host} is away`
  assert.deepEqual([away.state, away.reason], ['away', why])
  assert.deepEqual(
    away.instances.map(({ name, state, reason }) => [name, state, reason]),
    [[only?.name, 'away', `host ${host} is away`]],
  )
  const wayOut = `bring ${host} back, or: croft host declare-dead ${host}`
  assert.deepEqual(await attention(), { what: 'shop/prod', why, do: wayOut })
  assert.equal((await attention(`host ${host}`))?.do, wayOut)
  const answer = await deploy(by, {})
  assert.deepEqual([answer.operation, (answer.result as Site | null)?.state ?? 'away'], [null, 'away'])

  farm.mend(host)
  assert.ok(await farm.until(async () => (await shop(farm, by)).state === 'serves'), farm.lines.join('\n'))

  farm.cut(host)
  assert.ok(await farm.until(async () => (await shop(farm, by)).state === 'away'), farm.lines.join('\n'))
  await farm.ask(by, 'declareDead', { params: { host } })
  await farm.pass(40)
  assert.deepEqual((await shop(farm, by)).instances.length, 1, 'nothing begins by itself')
  assert.equal((await attention())?.do, 'croft restart shop/prod')
  await deploy(by, { anew: true })
  const after = await shop(farm, by)
  assert.equal(after.state, 'serves', farm.lines.slice(-30).join('\n'))
  assert.ok(after.instances.some((each) => each.host !== host && each.state === 'ready'))
})
