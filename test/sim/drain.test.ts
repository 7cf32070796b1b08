/** A host is emptied: all its guests go, or it is told who cannot before anything is changed; whoever dies on the way. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Operation, PlannedStep } from '../../src/api/resources.ts'
import { keys } from '../../src/daemon/records/keys.ts'
import { type GuestRecord, type HostRecord, read, readAll } from '../../src/daemon/records/records.ts'
import { TwoHosts } from './two-hosts.ts'

const params = { host: 'ash' }

async function withGuests(...names: string[]): Promise<TwoHosts> {
  const two = await new TwoHosts().open()
  for (const host of ['ash', 'birch']) await two.ash.store.transact([], [{ put: keys.alive(host), value: {} }])
  for (const name of names) await two.ash.ask('createGuest', { body: { name, template: 'debian:12', host: 'ash' } })
  await two.pass(1)
  return two
}

const drain = (two: TwoHosts, more: object = {}, query: Record<string, string> = {}) =>
  two.ash.ask('drainHost', { params, body: { drained: true, move: true, ...more }, query }) as Promise<
    { operation: Operation | null; steps?: PlannedStep[]; warnings?: string[] } | undefined
  >
const hostOf = async ({ ash }: TwoHosts): Promise<Record<string, string>> =>
  Object.fromEntries(
    (await readAll<GuestRecord>(ash.store, keys.allGuests)).map(({ value }) => [value.name, value.host]),
  )
const isDrained = async ({ ash }: TwoHosts) =>
  (await read<HostRecord>(ash.store, keys.host('ash')))?.value.drained === true
const drainOp = async (two: TwoHosts) => (await two.ash.operations()).findLast(({ verb }) => verb === 'drain')
const isOver = async (two: TwoHosts) =>
  (await readAll(two.ash.store, 'drains/')).length === 0 &&
  (await readAll(two.ash.store, keys.moves)).length === 0 &&
  (await two.ash.operations()).every(({ state }) => state !== 'running')
async function over(two: TwoHosts): Promise<void> {
  assert.ok(await two.until(() => isOver(two)), `it does not end\n${two.ash.lines.slice(-20).join('\n')}`)
}
const change = async ({ ash }: TwoHosts, key: string, to: object) => {
  const found = await read<object>(ash.store, key)
  await ash.store.transact([], [{ put: key, value: { ...found?.value, ...to } }])
}

describe('drain --move', () => {
  test('all go, one after another, and it says so', async () => {
    const two = await withGuests('web', 'blog', 'chat')
    await drain(two)
    await over(two)
    assert.deepEqual(await hostOf(two), { blog: 'birch', chat: 'birch', web: 'birch' })
    const op = await drainOp(two)
    assert.equal(op?.state, 'done')
    assert.match(
      op?.log.join('\n') ?? '',
      /^1 of 3: blog goes to birch\nblog on birch: down .*\n2 of 3: chat goes .*\n.*\n3 of 3: web .*\n.*\nash is empty: 3 guests were moved$/,
    )
    const moves = (await two.ash.operations()).filter(({ verb }) => verb === 'move')
    assert.deepEqual(
      moves.map(({ state, target }) => [target.name, state]),
      ['blog', 'chat', 'web'].map((name) => [name, 'done']),
    )
  })

  const steps = ['drain.move.before', 'move.send.after', 'move.switch.after', 'drain.end.before', 'drain.end.after']
  for (const name of steps)
    test(`its daemon dies at ${name}, and goes on`, async () => {
      const two = await withGuests('web', 'blog')
      two.ash.killAt(name, 1)
      await drain(two)
      await two.until(async () => !two.ash.isAlive)
      assert.equal(two.ash.isAlive, false, 'it was passed')
      await two.ash.boot()
      await over(two)
      assert.deepEqual(await hostOf(two), { blog: 'birch', web: 'birch' })
      assert.equal((await drainOp(two))?.state, 'done')
    })

  test('who cannot go is told before, and nothing is changed', async () => {
    const two = await withGuests('web', 'blog', 'chat')
    const guests = await readAll<GuestRecord>(two.ash.store, keys.guests('ash'))
    const web = guests.find(({ value }) => value.name === 'web') ?? assert.fail()
    const mount = { source: '/srv', target: '/srv', readOnly: true }
    await two.ash.store.transact(
      [],
      [{ put: web.key, value: { ...web.value, spec: { ...web.value.spec, mounts: [mount] } } }],
    )
    await drain(two)
    assert.match(
      two.ash.lines.at(-1) ?? '',
      /REFUSED: 1 of 3 guests cannot leave ash, so nothing was changed \(web: it has a folder of ash, \/srv\)$/,
    )
    assert.deepEqual([await isDrained(two), await drainOp(two)], [false, undefined])

    const planned = await drain(two, {}, { dryRun: '1' })
    assert.deepEqual(
      planned?.steps?.map(({ what, step, detail }) => [what, step, detail.slice(0, 9)]),
      [
        ['ash', 'drain', 'it takes '],
        ['blog', 'move', 'to birch:'],
        ['chat', 'move', 'to birch:'],
        ['web', 'stay', 'it has a '],
      ],
    )
    assert.match(planned?.warnings?.[0] ?? '', /^nothing would be changed: 1 of 3/)
    await drain(two, { some: true })
    await over(two)
    assert.deepEqual(await hostOf(two), { blog: 'birch', chat: 'birch', web: 'ash' })
    assert.equal((await drainOp(two))?.log.at(-1), '2 guests were moved, 1 stays: web')
  })

  test('no room, or nobody to go to', async () => {
    const two = await withGuests('web', 'blog')
    await change(two, keys.host('birch'), { reserveBytes: 2 ** 34 - 1.5 * 2 ** 30, overcommit: 1 })
    await drain(two)
    assert.match(
      two.ash.lines.at(-1) ?? '',
      /NO_ROOM: 1 of 2 guests cannot leave ash.* \(web: no host can take it \(birch: 1G of memory do not fit: 512M of 1\.5G not promised\)\)$/,
    )
    await change(two, keys.host('birch'), { drained: true, reserveBytes: 0 })
    await drain(two)
    assert.match(two.ash.lines.at(-1) ?? '', /2 of 2 .* \(blog: no host can take it \(birch: it is drained\); web: /)
    assert.deepEqual([await isDrained(two), await hostOf(two)], [false, { blog: 'ash', web: 'ash' }])
  })

  test('one that fails on the way stays with its reason, the others go', async () => {
    const two = await withGuests('web', 'blog')
    const [port] = [keys.port('birch', 'tcp', 8080)]
    await two.ash.ask('addPort', { params: { guest: 'web' }, body: { hostPort: 8080, guestPort: 80 } })
    await two.pass(1)
    two.ash.killAt('drain.move.before', 1)
    await drain(two)
    await two.until(async () => !two.ash.isAlive)
    await two.ash.store.transact([], [{ put: port, value: { number: 99 } }])
    await two.ash.boot()
    await over(two)
    assert.deepEqual(await hostOf(two), { blog: 'birch', web: 'ash' })
    const op = await drainOp(two)
    assert.deepEqual([op?.state, op?.error?.code], ['failed', 'PARTLY_FAILED'])
    assert.match(op?.error?.message ?? '', /^1 guest is still on ash\nweb: /)
    assert.equal(op?.error?.hint, 'croft host drain ash --move')
  })

  test('cancelled: the one on its way is given up, the host stays drained', async () => {
    const two = await withGuests('web', 'blog')
    const begun = await drain(two)
    const asked = two.ash.ask('cancelOperation', { params: { operation: begun?.operation?.id ?? '' } })
    await over(two)
    await asked
    const op = await drainOp(two)
    assert.equal(op?.state, 'cancelled', JSON.stringify(op))
    assert.match(
      op?.error?.message ?? '',
      /^it was cancelled; ash takes no new guests all the same, and \d guests? (is|are) still there$/,
    )
    assert.equal(await isDrained(two), true)
    assert.ok(Object.values(await hostOf(two)).includes('ash'))
  })

  test('undrained meanwhile: it ends, and no other guest begins to go', async () => {
    const two = await withGuests('web', 'blog')
    await drain(two)
    await two.ash.ask('drainHost', { params, body: { drained: false } })
    await over(two)
    const op = await drainOp(two)
    assert.match(op?.error?.message ?? '', /^ash takes guests again, and \d guests? (is|are) still there$/)
    assert.equal(await isDrained(two), false)
  })

  test('a second one beside it is refused', async () => {
    const two = await withGuests('web')
    await drain(two)
    await drain(two)
    assert.match(two.ash.lines.at(-1) ?? '', /BUSY: guests of ash are on their way to other hosts already/)
    await over(two)
    assert.deepEqual(await hostOf(two), { web: 'birch' })
  })
})
