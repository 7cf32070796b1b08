/** A template comes from another host: whole, and what broke off goes on, wherever a daemon dies and whatever the other side says. */
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import { CroftError } from '../../src/api/errors.ts'
import type { PeerAnswer, PeerRequest, Peers } from '../../src/daemon/peers/peers.ts'
import { keys } from '../../src/daemon/records/keys.ts'
import { type GuestRecord, readAll } from '../../src/daemon/records/records.ts'
import type { Ref } from '../../src/drivers/storage/driver.ts'
import { SimHosts } from './several.ts'

const id = '3f1a0c52-6c1e-4a53-9d5b-0f1c2d3e4f50'
const template: Ref = { kind: 'template', id }
/** Much more than streams hold in their hands: what is there when the line breaks goes with it. */
const text = Array.from({ length: 100_000 }, (_, at) => `line ${at}`).join('\n')
const breaksAt = 400_000

/** Sees what birch asks, and may answer it itself. */
type Between = (asked: PeerRequest, ask: () => Promise<PeerAnswer>) => Promise<PeerAnswer>

interface World {
  readonly two: SimHosts
  /** Of the template, in order. */
  readonly asked: string[]
  between: Between
}

async function withTemplate(): Promise<World> {
  const two = await SimHosts.open('ash', 'birch')
  const { storage } = two.ash
  const staging = { kind: 'staging', id } as const
  await storage.create(staging)
  storage.write(staging, 'text', text)
  await storage.clone(staging, template, { readOnly: true })
  await storage.remove(staging)
  const source = { from: 'debian:12', packages: [] }
  const value = { schema: 1, ref: 'big:1', id, host: 'ash', created: '2026-01-01T00:00:00.000Z', source }
  await two.store.transact([], [{ put: keys.template('big:1'), value }])
  const world: World = { two, asked: [], between: (_, ask) => ask() }
  const real = two.birch.peers
  two.birch.peers = () => {
    const way = real?.()
    return way && watched(way, world)
  }
  two.birch.kill()
  await two.birch.boot()
  await two.pass(2)
  return world
}

const watched = (way: Pick<Peers, 'request'>, world: World): Pick<Peers, 'request'> => ({
  request: (host, asked) => {
    if (!asked.path.startsWith('/v1/peers/templates/')) return way.request(host, asked)
    world.asked.push(asked.path.slice(`/v1/peers/templates/${id}`.length))
    return world.between(asked, () => way.request(host, asked))
  },
})

const wish = ({ two }: World) =>
  two.ask('birch', 'createGuest', { body: { name: 'web', template: 'big:1', host: 'birch' } })

/** It runs, has all of the template, and nothing is left of the way there. */
async function arrived({ two }: World): Promise<void> {
  const { birch } = two
  const lives = await two.until(async () => (await birch.runtime.observe(await webNumber(two)))?.state === 'running')
  assert.ok(lives, two.lines.join('\n'))
  await two.pass(2)
  assert.equal(birch.storage.read(template, 'text'), text)
  assert.deepEqual([...birch.arrivals.kept.keys()], [])
  assert.deepEqual((await birch.storage.inventory()).staging, [])
}

const webNumber = async ({ store }: SimHosts): Promise<number> =>
  (await readAll<GuestRecord>(store, keys.allGuests)).find(({ value }) => value.name === 'web')?.value.number ?? 0

const offsets = (asked: readonly string[]): number[] =>
  asked.map((query) => Number(/bytes=(\d+)/.exec(query)?.[1] ?? 0))

describe('templates from another host', () => {
  test('what breaks off goes on where it was', async () => {
    const world = await withTemplate()
    world.two.passes = breaksAt
    await wish(world)
    await arrived(world)
    const from = offsets(world.asked)
    assert.ok(from.length >= 3, world.asked.join('\n'))
    assert.equal(from[0], 0)
    for (const [at, bytes] of from.entries())
      if (at > 0) assert.ok(bytes > (from[at - 1] ?? 0), `it begins anew: ${from.join()}`)
  })

  for (const [name, nth] of [
    ['bringTemplate.before', 1],
    ['bringTemplate.piece', 1],
    ['bringTemplate.piece', 90],
    ['bringTemplate.after', 1],
  ] as const)
    test(`the daemon that brings it dies at ${name} ${nth}`, async () => {
      const world = await withTemplate()
      const { birch } = world.two
      birch.killAt(name, nth)
      void wish(world)
      assert.ok(await world.two.until(() => !birch.isAlive))
      const kept = (await birch.arrivals.find(id))?.bytes ?? 0
      await birch.boot()
      await arrived(world)
      assert.equal(kept > 0, name !== 'bringTemplate.before' || nth > 1)
      if (name === 'bringTemplate.piece') assert.equal(offsets(world.asked).at(-1), kept)
    })

  test('the daemon that gives it dies, and goes on when it is back', async () => {
    const world = await withTemplate()
    world.two.passes = breaksAt
    world.two.ash.killAt('sendTemplate.before', 2)
    void wish(world)
    assert.ok(await world.two.until(() => !world.two.ash.isAlive))
    await world.two.ash.boot()
    await arrived(world)
    assert.ok(offsets(world.asked).filter((bytes) => bytes === 0).length === 1, world.asked.join('\n'))
  })

  const strange: readonly (readonly [string, (kept: Buffer) => Buffer])[] = [
    ['another beginning', (kept) => Buffer.concat([Buffer.from('#'), kept.subarray(1)])],
    ['more than there is', (kept) => Buffer.concat([kept, Buffer.alloc(2 * text.length)])],
  ]
  for (const [what, change] of strange)
    test(`${what} was kept: it begins anew`, async () => {
      const world = await withTemplate()
      const { birch } = world.two
      birch.killAt('bringTemplate.piece', 5)
      void wish(world)
      assert.ok(await world.two.until(() => !birch.isAlive))
      birch.arrivals.kept.set(id, [change(Buffer.concat(birch.arrivals.kept.get(id) ?? assert.fail()))])
      await birch.boot()
      await arrived(world)
      assert.equal(offsets(world.asked).at(-1), 0)
    })

  test('a host that goes on with something else is not believed, and nothing of it stays', async () => {
    const world = await withTemplate()
    world.two.passes = breaksAt
    let lied = false
    world.between = async (asked, ask) => {
      if (lied || !asked.path.includes('?')) return ask()
      lied = true
      world.two.passes = Number.POSITIVE_INFINITY
      const answer = await ask()
      const body = Buffer.concat(await answer.body.toArray())
      body[0] = (body[0] ?? 0) ^ 1
      return { ...answer, body: Readable.from([body]) }
    }
    await wish(world)
    await arrived(world)
    assert.deepEqual(offsets(world.asked).slice(-1), [0], 'what it had taken for a beginning is gone')
  })

  test('an older host that knows of no beginnings gives it whole', async () => {
    const world = await withTemplate()
    const { birch } = world.two
    world.between = (asked, ask) =>
      asked.path.includes('?') ? Promise.reject(new CroftError('BAD_VALUE', 'query: bytes')) : ask()
    birch.killAt('bringTemplate.piece', 5)
    void wish(world)
    assert.ok(await world.two.until(() => !birch.isAlive))
    await birch.boot()
    await arrived(world)
    assert.ok(world.asked.at(-2)?.includes('?'))
  })

  test('a wire that says nothing any more is given up, and another try made', async () => {
    const world = await withTemplate()
    let silent = true
    world.between = async (_, ask) => {
      const answer = await ask()
      if (!silent) return answer
      silent = false
      const body = new Readable({ read() {} })
      const [first] = (await answer.body.toArray()) as Buffer[]
      body.push(first)
      return { ...answer, body }
    }
    await wish(world)
    await arrived(world)
    assert.ok((offsets(world.asked).at(-1) ?? 0) > 0, 'and it goes on with what had come')
  })
})
