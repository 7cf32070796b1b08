/** When routes are looked at, and what is kept of it, on a clock of ours. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isCode } from '../../../src/api/errors.ts'
import { type CheckRecord, createChecks } from '../../../src/daemon/checks/checks.ts'
import { keys } from '../../../src/daemon/records/keys.ts'
import { readAll } from '../../../src/daemon/records/records.ts'
import { type CheckSubject, type HttpFacts, openToAll } from '../../../src/plan/check/facts.ts'
import { createMemoryStore } from '../../../src/store/memory/index.ts'
import { quiet, SimClock } from '../../sim/clock.ts'

const subjectOf = (name: string, id = `id-${name}`): CheckSubject => ({
  ...{ name, id, kind: 'guest', hosts: [name], aliases: [], path: '/', https: 'off' },
  ...{ passthrough: false, access: openToAll },
})

function world(...names: string[]) {
  const clock = new SimClock()
  const store = createMemoryStore({ now: () => clock.now(), id: 'store' })
  const routes = new Map(names.map((name) => [name, subjectOf(name)]))
  const looks: { name: string; at: number }[] = []
  const page: { http: HttpFacts; hang?: Promise<void> } = { http: { status: 200, firstByteMs: 5 } }
  let under = 0
  let most = 0
  const parts = {
    everyMs: 300_000,
    ...{ env: clock.env(() => true), store, host: { name: 'ash' } },
    log: { info: () => {}, warn: () => {}, error: () => {} },
    routes: async () => [...routes.values()],
    subject: async (name: string) => routes.get(name),
    async gather({ name }: CheckSubject) {
      looks.push({ name, at: clock.seconds })
      most = Math.max(most, ++under)
      await page.hang
      under -= 1
      const edge = { addresses: [], certain: { 4: true, 6: true } }
      return { now: clock.now(), edge, dns: [], aliases: [], tls: [], http: page.http, unseen: 0 }
    },
  }
  const records = async () => (await readAll<CheckRecord>(store, keys.checks('ash'))).map(({ value }) => value)
  return { clock, store, routes, looks, page, records, most: () => most, start: () => createChecks(parts) }
}

const answer = (status: number): HttpFacts => ({ status, firstByteMs: 5 })

test('every route is looked at each five minutes, spread, at most eight at a time', async () => {
  const { start, clock, looks, most } = world(...Array.from({ length: 600 }, (_, index) => `n${index}.example.org`))
  const checks = start()
  checks.begin()
  await clock.pass(301)
  assert.equal(new Set(looks.map(({ name }) => name)).size, 600)
  const bySecond = Map.groupBy(looks, ({ at }) => Math.floor(at))
  assert.ok(Math.max(...[...bySecond.values()].map((list) => list.length)) <= 6)
  await clock.pass(1200)
  assert.ok(looks.length >= 600 * 4.4 && looks.length <= 600 * 5.8, `${looks.length} looks`)
  assert.ok(most() <= 8)
  await checks.close()
  const ended = looks.length
  await clock.pass(600)
  assert.equal(looks.length, ended)
})

test('one bad look is looked at again soon; two make a record, one good one ends it; nothing else is written', async () => {
  const { start, clock, page, records, looks, store } = world('shop.example.org')
  const checks = start()
  checks.begin()
  await clock.pass(5)
  const verdicts = async () => (await records()).flatMap(({ findings }) => findings.map(({ verdict }) => verdict))
  assert.deepEqual(await verdicts(), ['ok'])
  const { revision } = await store.get('farm')
  await clock.pass(3000)
  assert.equal((await store.get('farm')).revision, revision)
  page.http = answer(503)
  const before = looks.length
  while (looks.length === before) await clock.pass(1)
  assert.deepEqual([await verdicts(), (await checks.last('shop.example.org')).verdict], [['ok'], 'red'])
  await clock.pass(16)
  assert.deepEqual([await verdicts(), looks.length - before], [['red'], 2])
  page.http = answer(200)
  await clock.pass(330)
  const [record] = await records()
  assert.deepEqual(
    record?.changes.map(({ verdict }) => verdict),
    ['red', 'ok'],
  )
})

test('a daemon that starts anew knows what was believed, and goes on', async () => {
  const { start, clock, page, looks, records } = world('shop.example.org')
  page.http = answer(500)
  const first = start()
  first.begin()
  await clock.pass(30)
  await first.close()
  const second = start()
  assert.deepEqual(
    (await second.list()).map(({ verdict, changes }) => [verdict, changes.length]),
    [['red', 1]],
  )
  const before = looks.length
  second.begin()
  await clock.pass(5)
  assert.equal(looks.length, before + 1)
  assert.equal((await records())[0]?.changes.length, 1)
  await second.close()
})

test('a look shared by all who ask; a second later it is another', async () => {
  const { start, clock, page, looks } = world('shop.example.org')
  const checks = start()
  const { promise, resolve } = Promise.withResolvers<void>()
  page.hang = promise
  const asked = Promise.all([checks.lookNow('shop.example.org'), checks.lookNow('shop.example.org')])
  await quiet()
  resolve()
  assert.deepEqual(
    (await asked).map(({ verdict }) => verdict),
    ['ok', 'ok'],
  )
  await checks.lookNow('shop.example.org')
  assert.equal(looks.length, 1)
  await clock.pass(2)
  await checks.lookNow('shop.example.org')
  assert.equal(looks.length, 2)
  await assert.rejects(checks.lookNow('other.example.org'), (error) => isCode(error, 'NOT_FOUND'))
})

test('a route that goes takes its record along, one made anew begins anew, one that came is looked at', async () => {
  const { start, clock, routes, page, records, looks } = world('a.example.org', 'b.example.org')
  page.http = answer(500)
  const checks = start()
  checks.begin()
  await clock.pass(40)
  assert.equal((await records()).length, 2)
  routes.delete('a.example.org')
  routes.set('b.example.org', subjectOf('b.example.org', 'another'))
  routes.set('c.example.org', subjectOf('c.example.org'))
  page.http = answer(200)
  checks.nudge()
  await clock.pass(10)
  assert.deepEqual((await records()).map(({ route, id, changes }) => [route, id, changes.length]).sort(), [
    ['b.example.org', 'another', 0],
    ['c.example.org', 'id-c.example.org', 0],
  ])
  assert.ok(looks.some(({ name }) => name === 'c.example.org'))
})

test('routes that hang keep nobody from his turn', async () => {
  const { start, clock, page, looks } = world(...Array.from({ length: 40 }, (_, index) => `n${index}.example.org`))
  page.hang = new Promise(() => {})
  start().begin()
  await clock.pass(120)
  assert.equal(looks.length, 40)
})
