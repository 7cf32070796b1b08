/** Named sizes: whole when they are made, changed for what comes, kept while something has them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Accepted, Size } from '../../src/api/resources.ts'
import { SimFarm } from './farm.ts'

test('a size is made, changed and goes, unless a guest or a site has it', async () => {
  const farm = await new SimFarm().open()
  const ask = async (...asked: Parameters<SimFarm['ask']>) => (await farm.ask(...asked)) as Accepted | undefined
  const refused = (pattern: RegExp) => assert.match(farm.lines.at(-1) ?? '', pattern)
  const nano = { params: { size: 'nano' } }
  const body = { name: 'nano', memory: '128M', cpu: '0.5', disk: '2G', processes: '200' }
  await ask('addSize', { body })
  const [first] = (await farm.ask('listSizes', {})) as Size[]
  assert.deepEqual(first, { name: 'nano', memoryBytes: 2 ** 27, cpus: 0.5, diskBytes: 2 ** 31, processes: 200 })
  assert.equal(await ask('addSize', { body }), undefined)
  refused(/EXISTS: there is a size "nano"/)

  await ask('createGuest', { body: { name: 'web', template: 'debian:12', size: 'nano' } })
  await ask('changeSize', { ...nano, body: { memory: '256M' } })
  const guest = (await farm.ask('getGuest', { params: { guest: 'web' } })) as { spec: { limits: object } }
  assert.partialDeepStrictEqual(guest.spec.limits, { memoryBytes: 2 ** 27 })
  assert.equal(await ask('removeSize', nano), undefined)
  refused(/IN_USE: web has size nano/)

  await ask('addSite', { body: { name: 'shop/prod' } })
  await ask('changeConfig', { params: { site: 'shop/prod' }, body: { set: { 'instances.size': 'tiny' } } })
  assert.equal(await ask('removeSize', { params: { size: 'tiny' } }), undefined)
  refused(/IN_USE: shop\/prod has size tiny/)
  assert.ok(await ask('removeSize', { params: { size: 'large' } }))
  const planned = await ask('changeSize', { ...nano, body: { cpu: '1' }, query: { dryRun: '1' } })
  assert.deepEqual(planned?.steps, [{ what: 'nano', step: 'cpus', detail: '0.5 → 1' }])
  assert.equal(await ask('changeSize', { params: { size: 'large' }, body: {} }), undefined)
  refused(/NOT_FOUND: no size "large"/)
})
