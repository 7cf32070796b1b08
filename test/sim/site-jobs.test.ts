/** Jobs that run once for a site: whatever happens in a rollout, never have two instances their timers going. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Ended } from '../../src/daemon/host/inside.ts'
import { params, plain, SiteFarm } from './sites-farm.ts'

/** What service managers of instances do when they are told so. */
class Managers {
  /** Numbers of guests. */
  readonly going = new Set<number>()
  readonly running = new Set<number>()
  readonly story: string[] = []
  most = 0

  async run(number: number, words: readonly string[]): Promise<Ended> {
    const [, verb] = words
    if (verb === 'list-units') return { code: 0, lines: this.running.has(number) ? ['job-nightly.service'] : [] }
    if (verb === 'enable') this.going.add(number)
    if (verb === 'stop') this.going.delete(number)
    if (verb === 'enable' || verb === 'stop') this.story.push(`${verb} ${number}`)
    this.most = Math.max(this.most, this.going.size)
    return { code: 0, lines: [] }
  }
}

const cron = { nightly: { schedule: '15 3 * * *', command: './nightly' } }

async function serving(): Promise<{ farm: SiteFarm; managers: Managers }> {
  const farm = await new SiteFarm().begun()
  await farm.release('v1', { ...plain, cron })
  await farm.release('v2', { ...plain, cron, env: { A: '2' } })
  await farm.release('none', { ...plain, env: { A: '3' } })
  const managers = new Managers()
  farm.inside = { run: (number, words) => managers.run(number, words) }
  farm.kill()
  await farm.boot()
  await farm.deployed({ version: 'v1', domains: ['shop.org'] })
  return { farm, managers }
}

test('the first in its place has them, and the next one is given them when they rest in it', async () => {
  const { farm, managers } = await serving()
  assert.deepEqual([...managers.going], [1])
  await farm.deployed({ version: 'v2' })
  assert.deepEqual([managers.story, managers.most], [['enable 1', 'stop 1', 'enable 3'], 1])
  await farm.deployed({ instances: 4 })
  await farm.deployed({ version: 'none' })
  assert.deepEqual([[...managers.going], managers.most], [[], 1], 'who has none is given none')
})

test('a job that runs is waited for, but not for ever', async () => {
  const { farm, managers } = await serving()
  managers.running.add(1)
  const answer = await farm.deploy({ version: 'v2' })
  await farm.pass(20)
  assert.deepEqual([managers.story, (await farm.rollout())?.step], [['enable 1'], 'retire'])
  managers.running.clear()
  await farm.pass(60)
  assert.deepEqual(managers.story, ['enable 1', 'stop 1', 'enable 3'])
  assert.equal((await farm.operation(answer?.operation?.id ?? '')).state, 'done')
  managers.running.add(3)
  await farm.deployed({ version: 'v1' }, 200)
  assert.deepEqual(managers.story.slice(-2), ['stop 3', 'enable 5'])
})

test('one whose timers cannot be ended goes first; a deploy that fails takes them from nobody', async () => {
  const { farm, managers } = await serving()
  farm.unwell = ({ number }) => (number > 2 ? 'nothing listens there' : undefined)
  await farm.deploy({ version: 'v2' })
  await farm.pass(60)
  assert.deepEqual([managers.story, (await farm.rollout())?.state], [['enable 1'], 'failed'])
  farm.unwell = () => undefined
  const run = managers.run.bind(managers)
  managers.run = async (number, words) => {
    if (number === 1) return { code: 1, lines: ['Failed to connect to bus'] }
    if (words[1] === 'enable') assert.ok(!(await farm.guestNames()).includes('shop/prod/1'))
    return run(number, words)
  }
  await farm.deployed({ version: 'v2' }, 200)
  assert.equal(managers.story.length, 2)
})

test('the daemon dies at each step of handing them over: one has them in the end, and never two', async () => {
  const points = ['rollout.rest', 'rollout.give'].flatMap((name) => [`${name}.before`, `${name}.after`])
  for (const point of points)
    for (const nth of point.startsWith('rollout.give') ? [1, 2] : [1]) {
      const { farm, managers } = await serving()
      farm.killAt(point, nth)
      await farm.deploy({ version: 'v2' })
      for (let turns = 0; turns < 200 && farm.isAlive; turns++) await farm.pass(0.5)
      assert.ok(!farm.isAlive, point)
      await farm.boot()
      await farm.pass(90)
      assert.deepEqual([managers.most, managers.going.has(1), managers.going.has(3)], [1, false, true], point)
    }
})

test('a site that was stopped has them as before; an instance that is lost leaves them to who comes for it', async () => {
  const { farm, managers } = await serving()
  for (const what of ['stop', 'start']) {
    await farm.ask('actSite', { params, body: { do: what } })
    await farm.pass(60)
  }
  assert.deepEqual(managers.story, ['enable 1'])
  const value = { state: 'failed', generation: 1, since: '', name: 'shop/prod/1', reason: 'no such file' }
  await farm.store.transact([], [{ put: 'status/ash/guest/00001', value }])
  managers.going.delete(1)
  await farm.pass(90)
  assert.deepEqual(managers.story, ['enable 1', 'enable 3'])
})
