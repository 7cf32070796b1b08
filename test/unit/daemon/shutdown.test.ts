import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stopAll } from '../../../src/daemon/shutdown.ts'
import type { Definition } from '../../../src/drivers/runtime/driver.ts'
import { createFakeRuntime } from '../../../src/drivers/runtime/fake/index.ts'
import { planShutdown } from '../../../src/plan/shutdown.ts'
import { SimClock } from '../../sim/clock.ts'

const known = [
  { number: 1, name: 'db', order: -5 },
  { number: 2, name: 'web', order: 5 },
  { number: 3, name: 'cache', order: 5 },
]

const aDefinition = (number: number): Definition => ({
  ...{ number, id: `id-${number}`, hostName: 'g', rootPath: `/pool/${number}`, uidBase: 0x70000000, limits: {} },
  link: {
    ...{ name: `croft${number}`, ipv4: `10.100.0.${number}`, ipv6: `fd00::${number}`, mtu: 1500 },
    ...{ mac: '02:00:00:00:00:01', more: [] },
  },
  files: { hosts: '', resolv: '', keys: '' },
})

async function hostWith(...live: number[]) {
  const clock = new SimClock()
  const runtime = createFakeRuntime(clock)
  const said: string[] = []
  for (const number of live) {
    await runtime.define(aDefinition(number))
    await runtime.start(number)
  }
  const end = () =>
    stopAll({
      ...{ runtime, known, limitMs: 120_000, say: (line) => said.push(line) },
      monotonicMs: () => clock.seconds * 1000,
      sleep: (ms) => clock.pass(ms / 1000),
    })
  return { clock, runtime, said, end }
}

test('who started last goes first; who is unknown goes in between', () => {
  const names = planShutdown([1, 2, 3, 9], known).map((group) => group.map(({ name }) => name))
  assert.deepEqual(names, [['web', 'cache'], ['guest 9'], ['db']])
})

test('guests are asked in their order, a frozen one too', async () => {
  const { runtime, said, end } = await hostWith(1, 2, 3)
  await runtime.freeze(2)
  await end()
  assert.deepEqual(said, ['web: stopped', 'cache: stopped', 'db: stopped'])
})

test('one that hangs is killed when its share of the time is over, and the next still has its own', async () => {
  const { clock, runtime, said, end } = await hostWith(1, 2)
  runtime.behave(2, { ignoresStop: true })
  runtime.behave(1, { deafForMs: 63_000 })
  await end()
  assert.deepEqual(said, ['web: killed, for it did not stop in 60 s', 'db: stopped'])
  assert.ok(clock.seconds < 70, String(clock.seconds))
})

test('one that cannot even be looked at holds up nobody', async () => {
  const { runtime, said, end } = await hostWith(1, 2)
  const observe = runtime.observe
  runtime.observe = (number) => (number === 2 ? Promise.reject(new Error('no such process')) : observe(number))
  await end()
  assert.deepEqual(said, ['web: does not stop: Error: no such process', 'db: stopped'])
})

test('a host without guests', async () => {
  const { said, end } = await hostWith()
  await end()
  assert.deepEqual(said, [])
})
