/** A guest goes from ash to birch: whole or not at all, wherever a daemon dies and whenever the line breaks; and one copy runs. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Accepted } from '../../src/api/resources.ts'
import { keys } from '../../src/daemon/records/keys.ts'
import type { MoveRecord } from '../../src/daemon/records/moves.ts'
import { type GuestRecord, type NumbersRecord, read, readAll } from '../../src/daemon/records/records.ts'
import type { Ref } from '../../src/drivers/storage/driver.ts'
import type { SimFarm } from './farm.ts'
import { SimHosts } from './several.ts'

const params = { guest: 'web' }
const ports = [{ hostPort: 8080, guestPort: 80 }]

async function withWeb(): Promise<SimHosts> {
  const two = await SimHosts.open('ash', 'birch')
  await two.ash.ask('createGuest', { body: { name: 'web', template: 'debian:12', ports } })
  await two.pass(1)
  two.ash.storage.write(await rootOf(two), 'letter', 'dear reader')
  await two.ash.ask('takeSnapshot', { params, body: { name: 'monday' } })
  await two.pass(1)
  return two
}

const move = (two: SimHosts, to = 'birch', by = two.ash) => two.ask(by.hostName, 'moveGuest', { params, body: { to } })
const web = async ({ ash }: SimHosts): Promise<GuestRecord> => {
  const guests = await readAll<GuestRecord>(ash.store, keys.allGuests)
  assert.equal(guests.length, 1, 'one record')
  return (guests[0] ?? assert.fail()).value
}
const rootOf = async (two: SimHosts): Promise<Ref> => {
  const { number, spec } = await web(two)
  return { kind: 'root', number, id: spec.root.id }
}
const isLive = async ({ runtime }: SimFarm) => ((await runtime.observe(1))?.state ?? 'stopped') !== 'stopped'
const isOver = async ({ ash }: SimHosts) =>
  (await readAll(ash.store, keys.moves)).length === 0 &&
  (await ash.operations()).every(({ state }) => state !== 'running')

/** One copy at any moment, and at the end all of it on one host, nothing on the other. */
async function settled(two: SimHosts, where?: 'ash' | 'birch'): Promise<void> {
  const over = await two.until(async () => {
    assert.ok(!((await isLive(two.ash)) && (await isLive(two.birch))), 'two copies run')
    return isOver(two)
  })
  assert.ok(over, `it does not end\n${two.ash.lines.join('\n')}`)
  await two.pass(1)
  const { host, spec, number, slot, moving } = await web(two)
  assert.equal(moving, undefined)
  if (where) assert.equal(host, where)
  const [there, other] = host === 'ash' ? [two.ash, two.birch] : [two.birch, two.ash]
  assert.deepEqual([await isLive(there), await isLive(other)], [true, false])
  assert.equal(there.storage.read({ kind: 'root', number, id: spec.root.id }, 'letter'), 'dear reader')
  const held = await there.storage.holdings(number)
  assert.deepEqual([held.roots.length, held.snapshots.length], [1, 1])
  const gone = await other.storage.inventory()
  assert.deepEqual([gone.guests, gone.staging], [[], []])
  assert.deepEqual([await two.ash.left(), await two.birch.left()], [[], []])
  const numbers = async (name: string) => (await read<NumbersRecord>(two.ash.store, keys.numbers(name)))?.value
  assert.deepEqual((await numbers(there.hostName))?.slots, [slot])
  assert.deepEqual([(await numbers(other.hostName))?.slots, (await numbers('ash'))?.used], [[], [1]])
  assert.equal((await numbers(other.hostName))?.promised?.memoryBytes ?? 0, 0)
  const reserved = await readAll(two.ash.store, 'ports/')
  assert.deepEqual(
    reserved.map(({ key }) => key),
    [keys.port(host, 'tcp', 8080)],
  )
  const snapshots = await readAll(two.ash.store, 'snapshots/')
  assert.deepEqual(
    snapshots.map(({ key }) => key),
    [keys.snapshot(host, number, 'monday')],
  )
}

const lastOp = async (two: SimHosts) => (await two.ash.operations()).findLast(({ verb }) => verb === 'move')

describe('moves', () => {
  test('there and back, with what it has; then its number is free again', async () => {
    const two = await withWeb()
    await move(two)
    await settled(two, 'birch')
    const op = await lastOp(two)
    assert.equal(op?.state, 'done')
    assert.match(
      op?.log.join('\n') ?? '',
      /^bring the template debian:12 to birch\nsnapshot .*\ncopy .*\nlast .*\nstart: web on birch: down \d+\.\d s, same address$/,
    )
    assert.ok((await two.birch.storage.inventory()).templates.length === 1, 'its template came before it')
    await move(two, 'ash', two.birch)
    await settled(two, 'ash')
    await move(two)
    await settled(two, 'birch')
    await two.birch.ask('deleteGuest', { params })
    await two.pass(2)
    for (const name of ['ash', 'birch']) {
      const numbers = (await read<NumbersRecord>(two.ash.store, keys.numbers(name)))?.value
      assert.deepEqual([numbers?.used, numbers?.slots], [[], []], name)
    }
  })

  test('what its last move left is waited for, and when that does not go it is said', async () => {
    const two = await withWeb()
    await move(two)
    assert.ok(await two.until(async () => (await readAll(two.ash.store, keys.moves)).length === 1))
    const [left] = await readAll<MoveRecord>(two.ash.store, keys.moves)
    await settled(two, 'birch')
    const of = { ...left?.value, phase: 'cleared', to: 'cedar' }
    await two.ash.store.transact([], [{ put: keys.move(1), value: of }])
    await move(two, 'ash', two.birch)
    assert.match(two.birch.lines.at(-1) ?? '', /BUSY: what is left of the last move of "web" is being cleared up/)
    const back = two.begin('birch', 'moveGuest', { params, body: { to: 'ash' } })
    await two.pass(1)
    assert.equal((await web(two)).moving, undefined)
    await two.ash.store.transact([], [{ delete: keys.move(1) }])
    assert.ok(await two.until(async () => (await web(two)).host === 'ash'))
    await back
    await settled(two, 'ash')
  })

  test('a stopped guest stays so', async () => {
    const two = await withWeb()
    await two.ash.ask('actGuest', { params, body: { do: 'stop' } })
    await two.pass(3)
    await move(two)
    assert.ok(await two.until(() => isOver(two)))
    assert.deepEqual([(await web(two)).host, await isLive(two.birch)], ['birch', false])
    await two.birch.ask('actGuest', { params, body: { do: 'start' } })
    await two.pass(2)
    await settled(two, 'birch')
  })

  const steps = ['take', 'send', 'quiet', 'land', 'switch'].flatMap((step) => [
    `move.${step}.before`,
    `move.${step}.after`,
  ])
  for (const name of [...steps, 'move.clear.before', 'move.clear.after'])
    test(`its host dies at ${name}`, async () => {
      const two = await withWeb()
      two.ash.killAt(name, 1)
      await move(two)
      await two.until(async () => !two.ash.isAlive)
      assert.equal(two.ash.isAlive, false, 'it was passed')
      await two.ash.boot()
      await settled(two, 'birch')
    })

  for (const name of ['move.receive.before', 'move.receive.after'])
    test(`the other host dies at ${name}`, async () => {
      const two = await withWeb()
      two.birch.killAt(name, 2)
      await move(two)
      await two.until(async () => !two.birch.isAlive)
      await two.pass(5)
      assert.ok(await isLive(two.ash), 'it runs where it was')
      await two.birch.boot()
      await settled(two, 'ash')
    })

  for (const passes of [0, 150])
    test(`the line breaks after ${passes} bytes`, async () => {
      const two = await withWeb()
      two.passes = passes
      await move(two)
      await settled(two, 'ash')
      two.passes = Number.POSITIVE_INFINITY
      await move(two)
      await settled(two, 'birch')
    })

  test('somebody wants it no more', async () => {
    const two = await withWeb()
    const { operation } = (await move(two)) as { operation: { id: string } }
    const cancelled = two.ash.ask('cancelOperation', { params: { operation: operation.id } })
    await settled(two)
    await cancelled
    const state = (await lastOp(two))?.state
    assert.equal(state, (await web(two)).host === 'ash' ? 'cancelled' : 'done')
  })

  test('while it is on its way nobody changes it', async () => {
    const two = await withWeb()
    await move(two)
    await two.ash.ask('actGuest', { params, body: { do: 'stop' } })
    await move(two)
    const refused = two.ash.lines.filter((line) => /BUSY: guest "web" is on its way to birch/.test(line))
    assert.equal(refused.length, 2)
    await settled(two, 'birch')
  })

  test('refused with the reason, and nothing is changed', async () => {
    const two = await withWeb()
    const before = (await two.ash.store.get(keys.farm)).revision
    const change = async (key: string, change: object) => {
      const { value } = (await read<object>(two.ash.store, key)) ?? {}
      await two.ash.store.transact([], [{ put: key, value: { ...value, ...change } }])
    }
    const refused = async (words: RegExp, to = 'birch') => {
      await move(two, to)
      assert.match(two.ash.lines.at(-1) ?? '', words)
    }
    await refused(/REFUSED: web cannot move: it is on ash/, 'ash')
    await refused(/NOT_FOUND: no host "elm"/, 'elm')
    await change(keys.host('birch'), { drained: true })
    await refused(/REFUSED: host birch is drained/)
    await change(keys.host('birch'), { drained: undefined })
    await change(keys.port('birch', 'tcp', 8080), { number: 9 })
    await refused(/EXISTS: port tcp\/8080 of birch is taken/)
    await two.ash.store.transact([], [{ delete: keys.port('birch', 'tcp', 8080) }])
    two.birch.kill()
    await refused(/HOST_UNREACHABLE/)
    await two.birch.boot()
    two.birch.storage.fill(true)
    await refused(/POOL_FULL/)
    two.birch.storage.fill(false)
    assert.ok(before > 0 && (await web(two)).moving === undefined)
    await move(two)
    await settled(two, 'birch')
  })

  test('what it was made from is brought first: the plan and who waits are told', async () => {
    const two = await withWeb()
    const steps = async () =>
      ((await two.ask('ash', 'moveGuest', { params, body: { to: 'birch' }, query: { dryRun: '1' } })) as Accepted).steps
    assert.deepEqual(
      (await steps())?.filter(({ step }) => step === 'bring'),
      [{ what: 'web', step: 'bring', detail: 'the template debian:12 to birch first' }],
    )
    await move(two)
    await settled(two, 'birch')
    const op = (await two.operations()).findLast(({ verb }) => verb === 'move')
    const log = op?.log ?? []
    assert.equal(log.filter((line) => line === 'bring the template debian:12 to birch').length, 1, log.join('\n'))
    await move(two, 'ash')
    await settled(two, 'ash')
    assert.deepEqual(
      (await steps())?.filter(({ step }) => step === 'bring'),
      [],
      'it is there',
    )
  })
})
