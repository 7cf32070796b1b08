/** A replica of ash's guest lies on birch: no older than it was asked to be, whole whoever dies, and gone when nobody wants it. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Replica } from '../../src/api/replica.ts'
import { followEvents } from '../../src/daemon/events/follow.ts'
import { keys } from '../../src/daemon/records/keys.ts'
import { type GuestRecord, read, readAll } from '../../src/daemon/records/records.ts'
import type { ReplicaRecord } from '../../src/daemon/records/replicas.ts'
import { leaveReplicas } from '../../src/daemon/replicas/leave.ts'
import { isReplicaPass } from '../../src/plan/replica.ts'
import type { SimFarm } from './farm.ts'
import { TwoHosts } from './two-hosts.ts'

const params = { guest: 'web' }

async function withWeb(): Promise<TwoHosts> {
  const two = await new TwoHosts().open()
  await two.ash.ask('createGuest', { body: { name: 'web', template: 'debian:12' } })
  await two.pass(1)
  await write(two, 'dear reader')
  await two.ash.ask('takeSnapshot', { params, body: { name: 'monday' } })
  await two.pass(1)
  return two
}

const web = async ({ ash }: TwoHosts): Promise<GuestRecord> =>
  (await readAll<GuestRecord>(ash.store, keys.allGuests))[0]?.value ?? assert.fail()
async function write(two: TwoHosts, text: string, farm: SimFarm = two.ash): Promise<void> {
  const { number, spec } = await web(two)
  farm.storage.write({ kind: 'root', number, id: spec.root.id }, 'letter', text)
}
const replicate = (two: TwoHosts, every?: string, to = 'birch') =>
  two.ash.ask('replicateGuest', { params, body: { to, ...(every === undefined ? {} : { every }) } })
const list = async ({ ash }: TwoHosts) => (await ash.ask('listReplicas', {})) as Replica[]
const replica = async (two: TwoHosts) => (await list(two))[0]
const isReady = (two: TwoHosts) => two.until(async () => (await replica(two))?.state === 'ready')
const lastOp = async (two: TwoHosts) => (await two.ash.operations()).findLast(({ verb }) => /replicate|copy/.test(verb))

const letterOf = async (two: TwoHosts) => {
  const { number, spec, host } = await web(two)
  return (host === 'ash' ? two.ash : two.birch).storage.read({ kind: 'root', number, id: spec.root.id }, 'letter')
}
async function move(two: TwoHosts, to: string, by = two.ash): Promise<void> {
  two.asked.length = 0
  await by.ask('moveGuest', { params, body: { to } })
  const isOver = async () => (await readAll(two.ash.store, keys.moves)).length === 0
  assert.ok(await two.until(isOver), `the move does not end\n${two.ash.lines.join('\n')}`)
  await two.pass(4)
}
/** No record of it, and nothing on birch. */
const isGone = (two: TwoHosts) =>
  two.until(async () => {
    const { snapshots, roots } = await two.birch.storage.holdings(1)
    return (await list(two)).length + snapshots.length + roots.length === 0
  })

async function passesOn(farm: SimFarm): Promise<readonly string[]> {
  return (await farm.storage.holdings(1)).snapshots.filter(isReplicaPass)
}
async function letterOn(farm: SimFarm): Promise<string | undefined> {
  const [pass] = await passesOn(farm)
  return pass === undefined ? undefined : farm.storage.read({ kind: 'snapshot', number: 1, id: pass }, 'letter')
}

/** What was told of it from the first. */
async function news({ ash: { store, clock } }: TwoHosts): Promise<string[]> {
  const { revision: until } = await store.inner.get('farm')
  const order = { from: `${store.id}:0`, until, signal: new AbortController().signal }
  const told: string[] = []
  for await (const one of followEvents({ store: store.inner, env: clock.env(() => true) }, order))
    if ('event' in one && one.kind === 'replica') {
      assert.equal(one.name, 'web')
      told.push(one.reason === undefined ? one.event : `${one.event}: ${one.reason}`)
    }
  return told
}

/** One pass on each side, the guest's snapshot there, and nothing half. */
async function whole(two: TwoHosts): Promise<void> {
  assert.ok(await isReady(two), `it does not become whole\n${two.ash.lines.join('\n')}`)
  const tidy = await two.until(async () => (await passesOn(two.ash)).length + (await passesOn(two.birch)).length === 2)
  assert.ok(tidy, 'old passes stay')
  assert.deepEqual(await passesOn(two.ash), await passesOn(two.birch))
  const { host = '' } = (await replica(two)) ?? {}
  assert.equal((await (host === 'ash' ? two.ash : two.birch).storage.holdings(1)).snapshots.length, 2)
  assert.deepEqual((await two.birch.storage.inventory()).staging, [])
  assert.deepEqual([await two.ash.left(), await two.birch.left()], [[], []])
}

describe('replicas', () => {
  test('made, and then brought up to date: each time what has changed is sent', async () => {
    const two = await withWeb()
    await replicate(two, '5m')
    await whole(two)
    assert.equal((await lastOp(two))?.state, 'done')
    const first = await replica(two)
    assert.deepEqual([first?.guest, first?.from, first?.host, first?.everyMs], ['web', 'ash', 'birch', 300_000])
    assert.equal(await letterOn(two.birch), 'dear reader')
    await write(two, 'P.S.')
    two.asked.length = 0
    await two.skip(200)
    assert.deepEqual(two.asked, [], 'nothing before its time')
    await two.skip(100)
    assert.ok(await two.until(async () => (await replica(two))?.at !== first?.at))
    await whole(two)
    assert.equal(await letterOn(two.birch), 'P.S.')
    assert.ok(((await replica(two))?.sentBytes ?? 0) < (first?.sentBytes ?? 0) + 200)
  })

  test('a copy is made once, and anew when it is asked for', async () => {
    const two = await withWeb()
    await replicate(two)
    await whole(two)
    assert.equal((await replica(two))?.everyMs, null)
    await write(two, 'P.S.')
    await two.skip(400)
    assert.equal(await letterOn(two.birch), 'dear reader')
    await replicate(two)
    assert.ok(await two.until(async () => (await letterOn(two.birch)) === 'P.S.'))
    await whole(two)
  })

  test('a guest that an older croft has moved keeps its replica', async () => {
    const two = await withWeb()
    await replicate(two, '5m')
    await whole(two)
    const [held] = await readAll<ReplicaRecord>(two.ash.store, keys.replicas)
    assert.ok(held)
    await two.ash.store.transact([], [{ put: held.key, value: { ...held.value, from: 'cedar' } }])
    await write(two, 'P.S.')
    assert.ok(await two.until(async () => (await replica(two))?.from === 'ash'), 'it is gone, or looks elsewhere')
    await two.skip(5)
    await replicate(two, '5m')
    await whole(two)
    assert.equal(await letterOn(two.birch), 'P.S.')
  })

  test('of a guest that an older croft has removed nothing stays: that one said it to nobody', async () => {
    const two = await withWeb()
    await replicate(two, '5m')
    await whole(two)
    await two.ash.store.transact([], [{ delete: keys.guest('ash', 1) }])
    await two.skip(70)
    assert.ok(await isGone(two))
  })

  const steps = ['pass.before', 'take.after', 'send.after', 'pass.after', 'clear.before', 'clear.after']
  for (const name of steps)
    test(`its host dies at replica.${name}`, async () => {
      const two = await withWeb()
      await replicate(two, '10s')
      await whole(two)
      await write(two, 'P.S.')
      two.ash.killAt(`replica.${name}`, 1)
      assert.ok(await two.until(async () => !two.ash.isAlive), 'it was passed')
      await two.ash.boot()
      assert.ok(await two.until(async () => (await letterOn(two.birch)) === 'P.S.'))
      await whole(two)
    })

  for (const name of ['replica.receive.before', 'replica.receive.after', 'replica.prune.before'])
    test(`the other host dies at ${name}`, async () => {
      const two = await withWeb()
      await replicate(two, '10s')
      await whole(two)
      await write(two, 'P.S.')
      two.birch.killAt(name, 1)
      assert.ok(await two.until(async () => !two.birch.isAlive), 'it was passed')
      await two.skip(60)
      assert.match((await replica(two))?.reason ?? '', /birch does not answer|hung up/)
      assert.equal((await replica(two))?.state, 'late')
      await two.birch.boot()
      assert.ok(await two.until(async () => (await letterOn(two.birch)) === 'P.S.'))
      await whole(two)
      assert.equal((await replica(two))?.reason, undefined)
    })

  test('a move to it sends what has changed, and the two change places; so does the way back', async () => {
    const two = await withWeb()
    await replicate(two, '1h')
    await whole(two)
    await write(two, 'P.S.')
    await move(two, 'birch')
    const sent = two.asked.filter((asked) => /moves.*disks/.test(asked))
    assert.ok(sent.length <= 2 && !sent.some((asked) => /uuid/.test(asked)), `no snapshot again: ${sent}`)
    assert.deepEqual([(await web(two)).host, await letterOf(two)], ['birch', 'P.S.'])
    assert.deepEqual([(await replica(two))?.host, (await replica(two))?.from], ['ash', 'birch'])
    await whole(two)
    await write(two, 'P.P.S.', two.birch)
    await two.birch.ask('replicateGuest', { params, body: { to: 'ash' } })
    assert.ok(await two.until(async () => (await letterOn(two.ash)) === 'P.P.S.'))
    await whole(two)
    await move(two, 'ash', two.birch)
    assert.equal(await letterOf(two), 'P.P.S.')
    await whole(two)
    assert.equal((await two.birch.storage.holdings(1)).roots.length, 0)
  })

  test('a move that is given up leaves the replica as it was', async () => {
    const two = await withWeb()
    await replicate(two, '1h')
    await whole(two)
    two.passes = 20
    await move(two, 'birch')
    two.passes = Number.POSITIVE_INFINITY
    assert.deepEqual([(await web(two)).host, (await replica(two))?.host], ['ash', 'birch'])
    await whole(two)
  })

  test('the wire is cut in the middle of a pass: nothing half stays, why and how late is told, and it goes on', async () => {
    const two = await withWeb()
    await write(two, 'x'.repeat(300_000))
    await replicate(two, '1m')
    await whole(two)
    const { at } = (await replica(two)) ?? {}
    await write(two, 'y'.repeat(300_000))
    two.passes = 100_000
    await two.skip(50)
    assert.ok(await two.until(async () => (await replica(two))?.reason !== undefined))
    await two.skip(180)
    assert.partialDeepStrictEqual(await replica(two), { state: 'late', at, reason: 'birch: the line broke' })
    assert.equal(await letterOn(two.birch), 'x'.repeat(300_000), 'what was whole is there')
    assert.equal((await passesOn(two.birch)).length, 1)
    assert.deepEqual((await two.birch.storage.inventory()).staging, [])
    two.passes = Number.POSITIVE_INFINITY
    assert.ok(await two.until(async () => (await letterOn(two.birch))?.startsWith('y') === true))
    await whole(two)
    const told = await news(two)
    assert.deepEqual(new Set(told), new Set(['done', 'failed: birch: the line broke', 'late: birch: the line broke']))
    assert.equal(told.filter((event) => event.startsWith('late')).length, 1, told.join())
    assert.deepEqual([told[0], told.at(-1)], ['done', 'done'])
  })

  test('the host of the guest is off: the other one tells that it is late, once', async () => {
    const two = await withWeb()
    await replicate(two, '1m')
    await whole(two)
    two.ash.kill()
    await two.skip(400)
    assert.deepEqual((await news(two)).slice(-2), ['done', 'late'])
    await two.ash.boot()
    assert.ok(await two.until(async () => (await news(two)).at(-1) === 'done'))
  })

  test('a move changes places, and tells nothing of it', async () => {
    const two = await withWeb()
    await replicate(two, '1h')
    await whole(two)
    await move(two, 'birch')
    assert.equal((await replica(two))?.host, 'ash')
    assert.deepEqual(await news(two), ['done'])
  })

  test('it is removed on both hosts, and with its guest', async () => {
    const two = await withWeb()
    await replicate(two)
    await whole(two)
    await two.ash.ask('removeReplica', { params: { guest: 'web', host: 'birch' } })
    assert.ok(await isGone(two))
    assert.deepEqual(await passesOn(two.ash), [])
    await replicate(two, '1h')
    await whole(two)
    await two.ash.ask('deleteGuest', { params })
    assert.ok(await isGone(two))
    await two.ash.ask('createGuest', { body: { name: 'web', template: 'debian:12' } })
    await two.pass(1)
    assert.deepEqual([await two.ash.left(), await two.birch.left(), await list(two)], [[], [], []])
  })

  for (const [name, farm] of [
    ['clearPasses.before', 'ash'],
    ['clearPasses.after', 'ash'],
    ['clearDisks.before', 'birch'],
    ['clearDisks.after', 'birch'],
  ] as const)
    test(`while it is removed ${farm} dies at replica.${name}`, async () => {
      const two = await withWeb()
      await replicate(two)
      await whole(two)
      two[farm].killAt(`replica.${name}`, 1)
      await two.ash.ask('removeReplica', { params: { guest: 'web', host: 'birch' } })
      assert.ok(await two.until(async () => !two[farm].isAlive), 'it was passed')
      await two[farm].boot()
      assert.ok(await isGone(two))
      assert.deepEqual(await passesOn(two.ash), [])
    })

  test('its host is declared dead: the record goes, and what was kept for it here', async () => {
    const two = await withWeb()
    await replicate(two, '1h')
    await whole(two)
    two.birch.kill()
    const { value } = (await read<object>(two.ash.store, keys.host('birch'))) ?? {}
    await two.ash.store.transact([], [{ put: keys.host('birch'), value: { ...value, dead: '2026-11-21T12:00:00Z' } }])
    assert.ok(await two.until(async () => (await list(two)).length === 0))
    assert.deepEqual(await passesOn(two.ash), [])
    assert.equal((await two.ash.storage.holdings(1)).snapshots.length, 1)
  })

  test('refused with the reason, and nothing is written', async () => {
    const two = await withWeb()
    const refused = async (words: RegExp, to = 'birch') => {
      await replicate(two, '5m', to)
      assert.match(two.ash.lines.at(-1) ?? '', words)
      assert.deepEqual(await list(two), [])
    }
    await refused(/REFUSED: web itself is on ash/, 'ash')
    await refused(/NOT_FOUND: no host "elm"/, 'elm')
    two.birch.storage.fill(true)
    await refused(/POOL_FULL/)
    two.birch.storage.fill(false)
    two.birch.kill()
    await refused(/HOST_UNREACHABLE/)
    await two.ash.ask('removeReplica', { params: { guest: 'web', host: 'birch' } })
    assert.match(two.ash.lines.at(-1) ?? '', /NOT_FOUND: web has no replica on "birch"/)
  })

  test('its host leaves the farm while that of the guest is away: nothing of it stays on either', async () => {
    const two = await withWeb()
    await replicate(two, '1h')
    await whole(two)
    two.ash.kill()
    let left = false
    void leaveReplicas(two.birch.parts).then(() => {
      left = true
    })
    assert.ok(await two.until(async () => left))
    assert.deepEqual((await two.birch.storage.holdings(1)).snapshots, [])
    await two.ash.boot()
    assert.ok(await two.until(async () => (await passesOn(two.ash)).length === 0))
    assert.equal((await two.ash.storage.holdings(1)).snapshots.length, 1)
  })

  test('who asked for it wants it no more: one that is whole stays, one that never was goes', async () => {
    for (const isWhole of [false, true]) {
      const two = await withWeb()
      if (isWhole) {
        await replicate(two)
        await whole(two)
      }
      two.stalls = true
      const { operation } = (await replicate(two)) as { operation: { id: string } }
      await two.pass(1)
      const cancelled = two.ash.ask('cancelOperation', { params: { operation: operation.id } })
      await two.pass(1)
      two.stalls = false
      await cancelled
      assert.equal((await lastOp(two))?.state, 'cancelled')
      if (isWhole) await whole(two)
      else assert.ok(await isGone(two))
    }
  })
})
