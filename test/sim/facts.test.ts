/** What a host tells of itself, once it is not alone. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keys } from '../../src/daemon/records/keys.ts'
import { type FactsRecord, read } from '../../src/daemon/records/records.ts'
import { SimFarm } from './farm.ts'

const gib = 2 ** 30
const birch = { put: keys.host('birch'), value: { schema: 1, name: 'birch', number: 2, uidBase: 1 } }
const factsOf = (farm: SimFarm) => read<FactsRecord>(farm.store, keys.facts('ash'))
const isAlive = async (farm: SimFarm) => (await read(farm.store, keys.alive('ash'))) !== undefined

test('alone it writes nothing; from the second host on it says what it can take, and lives under a lease', async () => {
  const farm = await new SimFarm().open()
  await farm.pass(120)
  assert.equal(await factsOf(farm), undefined)
  assert.equal(await isAlive(farm), false)

  await farm.store.transact([], [birch])
  await farm.pass(1)
  assert.partialDeepStrictEqual((await factsOf(farm))?.value, {
    ...{ cpus: 4, load: 0, memory: { totalBytes: 16 * gib, freeBytes: 16 * gib } },
    pools: { default: { totalBytes: 2 ** 40 } },
  })
  assert.equal((await factsOf(farm))?.value.templates.length, 1)
  await farm.pass(300)
  assert.equal(await isAlive(farm), true)
  farm.kill()
  await farm.pass(60)
  assert.equal(await isAlive(farm), false)
})

test('it is written when it matters, not each time it is looked at', async () => {
  const farm = await new SimFarm().open()
  await farm.store.transact([], [birch])
  await farm.pass(5)
  const first = (await factsOf(farm))?.revision
  farm.machine = { ...farm.machine, load: 0.1 }
  await farm.pass(30)
  assert.equal((await factsOf(farm))?.revision, first)
  farm.machine = { ...farm.machine, load: 3 }
  await farm.pass(11)
  assert.equal((await factsOf(farm))?.value.load, 3)
  farm.machine = { ...farm.machine, memory: { ...farm.machine.memory, freeBytes: gib } }
  await farm.pass(11)
  assert.equal((await factsOf(farm))?.value.memory.freeBytes, gib)
  const before = (await factsOf(farm))?.revision
  await farm.pass(70)
  assert.notEqual((await factsOf(farm))?.revision, before)
})

test('a daemon that stops says so at once', async () => {
  const farm = await new SimFarm().open()
  await farm.store.transact([], [birch])
  await farm.pass(2)
  const closing = farm.daemon.open()?.loop.close()
  await farm.pass(1)
  await closing
  assert.equal(await isAlive(farm), false)
})
