/** Guests that the farm's loops make: what they are called, what is put on their disks, and who may change them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keys } from '../../src/daemon/records/keys.ts'
import { removePart, runPart } from '../../src/daemon/records/parts.ts'
import { verdict } from '../../src/drivers/firewall/fake/verdict.ts'
import { SimFarm } from './farm.ts'
import { assertGolden } from './golden.ts'
import { createInstance, loop, seed } from './instance.ts'

const one = { params: { guest: 'shop/prod/1' } }

test('instance-lives', async () => {
  const farm = await new SimFarm().open()
  await createInstance(farm.daemon, 'shop/prod/1')
  await farm.pass(3)
  assert.equal(await farm.stateOf('shop/prod/1'), 'running')
  farm.say('loop', 'stops it, and starts it again')
  await runPart(farm.daemon, loop, { name: 'shop/prod/1', run: 'stopped' })
  await farm.pass(3)
  await runPart(farm.daemon, loop, { name: 'shop/prod/1', run: 'running' })
  await farm.pass(3)
  await removePart(farm.daemon, loop, 'shop/prod/1')
  await farm.pass(3)
  assert.equal(await farm.stateOf('shop/prod/1'), 'gone')
  assertGolden('instance-lives', farm.lines)
})

test('a seed lies in the store sealed alone, and goes with its guest', async () => {
  const farm = await new SimFarm().open()
  await createInstance(farm.daemon, 'shop/prod/1')
  await farm.pass(3)
  const everything = JSON.stringify((await farm.store.list('')).entries)
  assert.ok(!everything.includes('planted'))
  assert.equal((await farm.store.list(keys.seed('ash', 1))).entries.length, 1)
  const root = farm.runtime.rootOf(1)
  assert.deepEqual(root && farm.runtime.planted(root), seed)
})

test('a seed that is not in the store starts nothing, and says so', async () => {
  const farm = await new SimFarm().open()
  await createInstance(farm.daemon, 'shop/prod/1')
  await farm.store.transact([], [{ delete: keys.seed('ash', 1) }])
  await farm.pass(60)
  assert.deepEqual([await farm.stateOf('shop/prod/1'), farm.runtime.starts(1)], ['failed', 0])
})

test('verbs of guests are refused with the right one, and change nothing', async () => {
  const farm = await new SimFarm().open()
  await createInstance(farm.daemon, 'shop/prod/1')
  await farm.pass(3)
  const before = (await farm.store.get(keys.guest('ash', 1))).entry
  for (const action of ['start', 'stop', 'restart', 'kill', 'freeze', 'unfreeze'])
    await farm.ask('actGuest', { ...one, body: { do: action } })
  await farm.ask('deleteGuest', one)
  await farm.ask('renameGuest', { ...one, body: { name: 'mine' } })
  await farm.ask('cloneGuest', { ...one, body: { name: 'mine' } })
  await farm.ask('changeGuest', { ...one, body: { memory: '2G' } })
  await farm.ask('addRule', { ...one, body: { action: 'allow', direction: 'in', peer: 'any', service: 'tcp/80' } })
  await farm.ask('addPort', { ...one, body: { hostPort: 8080, guestPort: 80 } })
  await farm.ask('addAddress', { ...one, body: { address: '198.51.100.7' } })
  await farm.ask('publishTemplate', { params: { template: 'mine:1' }, body: { guest: 'shop/prod/1' } })
  await farm.ask('takeSnapshot', { ...one, body: { name: 'mine' } })
  assertGolden('instance-is-not-yours', farm.lines)
  assert.deepEqual((await farm.store.get(keys.guest('ash', 1))).entry, before)
})

test('a loop changes nothing of a guest that is nobody’s part', async () => {
  const farm = await new SimFarm().open()
  await farm.ask('createGuest', { body: { name: 'web', template: 'debian:12' } })
  await farm.pass(3)
  await assert.rejects(removePart(farm.daemon, loop, 'web'), { code: 'REFUSED' })
  await assert.rejects(runPart(farm.daemon, loop, { name: 'web', run: 'stopped' }), { code: 'REFUSED' })
  assert.equal(await removePart(farm.daemon, loop, 'shop/prod/9'), null)
})

test('names: each instance its own, the site those that are ready, a build none', async () => {
  const farm = await new SimFarm().open()
  for (const name of ['shop/prod/1', 'shop/prod/2', 'shop/prod/3']) await createInstance(farm.daemon, name)
  const build = { part: { kind: 'build', id: 'b1' } } as const
  await createInstance(farm.daemon, 'shop/build/b1', build)
  const member = (number: number, state: string) => ({ number, state, name: `shop/prod/${number}` })
  const members = [member(1, 'ready'), member(2, 'draining'), member(3, 'ready')]
  await farm.store.transact([], [{ put: keys.membersOf('shop/prod'), value: { schema: 1, members, next: 4 } }])
  await farm.pass(3)
  const names = farm.names.zone?.names.filter(({ name }) => name.includes('shop'))
  const of = (...numbers: number[]) =>
    numbers.flatMap((n) => farm.names.zone?.names.find(({ name }) => name === `${n}.prod.shop.site`)?.addresses ?? [])
  assert.deepEqual(
    names?.map(({ name }) => name),
    ['1.prod.shop.site', '2.prod.shop.site', '3.prod.shop.site', 'prod.shop.site'],
  )
  assert.deepEqual(names?.at(-1)?.addresses, of(1, 3))
})

test('firewall: instances of a site are open to each other, a site is a peer that follows its instances, a build reaches nobody', async () => {
  const farm = await new SimFarm().open()
  await farm.ask('createGuest', { body: { name: 'pg', template: 'debian:12' } })
  await farm.ask('createGuest', { body: { name: 'web', template: 'debian:12' } })
  const rule = { action: 'allow', direction: 'in', peer: 'shop/prod', service: 'tcp/5432' }
  await farm.ask('addRule', { params: { guest: 'pg' }, body: rule })
  for (const name of ['shop/prod/1', 'shop/prod/2', 'shop/test/1']) await createInstance(farm.daemon, name)
  await createInstance(farm.daemon, 'shop/build/b1', { part: { kind: 'build', id: 'b1' } })
  await farm.pass(3)
  const numbers = { pg: 1, web: 2, one: 3, two: 4, test: 5, build: 6 }
  const address = (who: keyof typeof numbers) => `10.100.0.${numbers[who]}`
  const may = (from: keyof typeof numbers, to: keyof typeof numbers, port: number) => {
    assert.ok(farm.firewall.model)
    const way = { from: `croft${numbers[from]}`, source: address(from), destination: address(to), local: false }
    return verdict(farm.firewall.model, { ...way, protocol: 'tcp', port }).passes
  }
  assert.deepEqual([may('one', 'two', 8080), may('two', 'one', 1)], [true, true])
  assert.deepEqual([may('one', 'test', 80), may('web', 'one', 80), may('build', 'one', 80)], [false, false, false])
  assert.deepEqual([may('one', 'pg', 5432), may('two', 'pg', 5432), may('one', 'pg', 22)], [true, true, false])
  assert.deepEqual([may('test', 'pg', 5432), may('web', 'pg', 5432)], [false, false])
  await farm.ask('addRule', { params: { guest: 'web' }, body: { ...rule, peer: 'any', service: 'any' } })
  assert.deepEqual([may('pg', 'web', 80), may('build', 'web', 80)], [true, false])
  await removePart(farm.daemon, loop, 'shop/prod/2')
  await farm.pass(3)
  assert.deepEqual([may('two', 'pg', 5432), may('two', 'one', 80), may('one', 'pg', 5432)], [false, false, true])
})
