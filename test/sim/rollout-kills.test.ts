/** The daemon dies before and behind every step of a rollout, one death a run; the next one walks it to the same end, and visitors have somebody all the time. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Ended } from '../../src/daemon/host/inside.ts'
import { params, plain, SiteFarm } from './sites-farm.ts'

interface Work {
  readonly ask: (farm: SiteFarm) => Promise<unknown>
  /** Of the operation. */
  readonly state: string
  readonly members: readonly string[]
  readonly asked: number
}

const at = (version: string, ...numbers: number[]): string[] =>
  numbers.map((number, index) => `shop/prod/${number} ${index + 1} shop:${version} ready`)

const works: Readonly<Record<string, Work>> = {
  'deploy in waves': {
    ask: (farm) => farm.deploy({ version: 'v2', waves: '1', domains: ['shop.org', 'new.org'] }),
    ...{ state: 'done', members: at('v2', 3, 4), asked: 2 },
  },
  'deploy of one that is not well': {
    ask: (farm) => farm.deploy({ version: 'bad', waves: '1' }),
    ...{ state: 'failed', members: at('v1', 1, 2), asked: 2 },
  },
  stop: {
    ask: (farm) => farm.ask('actSite', { params, body: { do: 'stop' } }),
    ...{ state: 'done', members: at('v1', 1, 2).map((line) => line.replace('ready', 'starting')), asked: 0 },
  },
}

async function ready(): Promise<SiteFarm> {
  const farm = await new SiteFarm().begun('v1')
  await farm.release('v2', { ...plain, before: { command: './migrate' } })
  await farm.release('bad')
  const ran: string[] = []
  farm.inside = {
    async run(number, words): Promise<Ended> {
      ran.push(`${number} ${words.join(' ')}`)
      return { code: 0, lines: ['a last word'] }
    },
  }
  // The second instance of that version never gets well.
  farm.unwell = ({ number }) => (farm.bad && number === 4 ? 'GET /up answered 500' : undefined)
  await farm.deployed({ version: 'v1', domains: ['shop.org'] })
  return farm
}

/** By their names, and how often each is passed. While the step before traffic runs, it is looked at as often as chance has it. */
async function failpointsOf(work: Work, name: string): Promise<(readonly [name: string, nth: number])[]> {
  const farm = await ready()
  farm.bad = name.includes('not well')
  const from = farm.passed.length
  await work.ask(farm)
  await farm.pass(15)
  const passed = farm.passed.slice(from).filter((point) => /^(rollout|site)\./.test(point))
  const times = (at: number) => passed.slice(0, at + 1).filter((point) => point === passed[at]).length
  return passed
    .map((point, index) => [point, times(index)] as const)
    .filter(([point, nth]) => !point.startsWith('rollout.before') || nth === 1)
}

for (const [name, work] of Object.entries(works))
  test(`${name}, and the daemon dies at each step`, async () => {
    const failpoints = await failpointsOf(work, name)
    assert.ok(failpoints.length > 0)
    for (const [point, nth] of failpoints) {
      const farm = await ready()
      farm.bad = name.includes('not well')
      const where = `${name}, killed at ${point} ${nth}`
      farm.killAt(point, nth)
      await work.ask(farm)
      const least = async () => assert.ok((await farm.asked()) >= work.asked, `${where}: nobody is asked`)
      for (let turns = 0; turns < 400 && farm.isAlive; turns++) {
        await farm.pass(0.5)
        await least()
      }
      if (farm.isAlive) assert.fail(`${where}: it was not passed again`)
      await farm.boot()
      const isOpen = async () => (await farm.operations()).some(({ state }) => state === 'running')
      for (let turns = 0; turns < 10 || (turns < 200 && (await isOpen())); turns++) {
        await farm.pass(1.5)
        await least()
      }
      const operations = await farm.operations()
      const end = operations
        .filter(({ target }) => target.name === 'shop/prod')
        .toSorted((a, b) => (a.created < b.created ? -1 : 1))
        .at(-1)
      assert.equal(end?.state, work.state, `${where}: ${JSON.stringify(end)}`)
      assert.deepEqual(await farm.members(), work.members, where)
      assert.deepEqual(
        await farm.guestNames(),
        work.members.map((line) => line.split(' ')[0]),
        where,
      )
      assert.deepEqual(await farm.left(), [], where)
    }
  })
