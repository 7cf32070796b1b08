/**
 * The daemon dies at every named failpoint of every kind of work, one death a run, and another daemon over the same store
 * and the same drivers brings the wish about. docs/design/host-loop.md has the table of failpoints.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { removePart } from '../../src/daemon/records/parts.ts'
import { removeVolumes } from '../../src/daemon/records/volumes.ts'
import { SimFarm } from './farm.ts'
import { assertGolden } from './golden.ts'
import { createInstance, loop, seed, withVolume } from './instance.ts'

interface Work {
  readonly before?: (farm: SimFarm) => Promise<unknown>
  readonly ask: (farm: SimFarm) => Promise<unknown>
  readonly met: (farm: SimFarm) => Promise<void>
}

const web = { params: { guest: 'web' } }
const monday = { params: { guest: 'web', snapshot: 'monday' } }
const act = (what: string) => (farm: SimFarm) => farm.ask('actGuest', { ...web, body: { do: what } })
const create = (farm: SimFarm) => farm.ask('createGuest', { body: { name: 'web', template: 'debian:12' } })
const guest = async (farm: SimFarm) => {
  await create(farm)
  await farm.pass(3)
}
const is = (state: string) => async (farm: SimFarm) => assert.equal(await farm.stateOf('web'), state)
const templates = async (farm: SimFarm) => (await farm.storage.inventory()).templates.length

const works: Record<string, Work> = {
  create: { ask: create, met: is('running') },
  'instance create': {
    ask: (farm) => farm.heard(createInstance(farm.daemon, 'shop/prod/1')),
    async met(farm) {
      assert.equal(await farm.stateOf('shop/prod/1'), 'running')
      const root = farm.runtime.rootOf(1)
      assert.deepEqual(root && farm.runtime.planted(root), seed)
    },
  },
  'instance rm': {
    async before(farm) {
      await createInstance(farm.daemon, 'shop/prod/1')
      await farm.pass(3)
    },
    ask: (farm) => farm.heard(removePart(farm.daemon, loop, 'shop/prod/1')),
    async met(farm) {
      assert.equal(await farm.stateOf('shop/prod/1'), 'gone')
      assert.deepEqual((await farm.store.list('seeds/')).entries, [])
    },
  },
  'volume make': {
    ask: (farm) => farm.heard(withVolume(farm.daemon, 'shop/prod/1')),
    async met(farm) {
      assert.equal(await farm.stateOf('shop/prod/1'), 'running')
      const [volume] = (await farm.storage.inventory()).volumes
      assert.equal(volume && (await farm.storage.usage({ kind: 'volume', id: volume.id }))?.limitBytes, 1024 ** 3)
    },
  },
  'volume rm': {
    async before(farm) {
      await withVolume(farm.daemon, 'shop/prod/1')
      await farm.pass(3)
      await farm.heard(removePart(farm.daemon, loop, 'shop/prod/1'))
      await farm.pass(3)
    },
    ask: (farm) => farm.heard(removeVolumes(farm.daemon, 'shop/prod')),
    met: async (farm) => assert.deepEqual((await farm.storage.inventory()).volumes, []),
  },
  stop: { before: guest, ask: act('stop'), met: is('stopped') },
  kill: { before: guest, ask: act('kill'), met: is('stopped') },
  restart: { before: guest, ask: act('restart'), met: is('running') },
  freeze: { before: guest, ask: act('freeze'), met: is('frozen') },
  unfreeze: {
    async before(farm) {
      await guest(farm)
      await act('freeze')(farm)
    },
    ask: act('unfreeze'),
    met: is('running'),
  },
  set: {
    before: guest,
    ask: (farm) => farm.ask('changeGuest', { ...web, body: { memory: '2G', disk: '20G' } }),
    async met(farm) {
      assert.equal((await farm.runtime.usage(1))?.memoryLimit, 2 * 1024 ** 3)
    },
  },
  rm: {
    before: guest,
    ask: (farm) => farm.ask('deleteGuest', web),
    async met(farm) {
      await is('gone')(farm)
      assert.deepEqual((await farm.storage.inventory()).guests, [])
      assert.deepEqual(await farm.runtime.list(), [])
      assert.deepEqual(farm.firewall.model?.guests, [])
    },
  },
  'snapshot add': {
    before: guest,
    ask: (farm) => farm.ask('takeSnapshot', { ...web, body: { name: 'monday' } }),
    met: async (farm) => assert.equal((await farm.storage.holdings(1)).snapshots.length, 1),
  },
  'snapshot rm': {
    async before(farm) {
      await guest(farm)
      await farm.ask('takeSnapshot', { ...web, body: { name: 'monday' } })
    },
    ask: (farm) => farm.ask('removeSnapshot', monday),
    met: async (farm) => assert.deepEqual((await farm.storage.holdings(1)).snapshots, []),
  },
  'snapshot restore': {
    async before(farm) {
      await guest(farm)
      await farm.ask('takeSnapshot', { ...web, body: { name: 'monday' } })
    },
    ask: (farm) => farm.ask('restoreSnapshot', monday),
    async met(farm) {
      await is('running')(farm)
      const [root, ...more] = (await farm.storage.holdings(1)).roots
      assert.deepEqual([farm.runtime.rootOf(1), more], [`/pool/guests/1/roots/${root}`, []])
    },
  },
  'template build': {
    ask: (farm) => farm.ask('buildTemplate', { body: { ref: 'debian:13' } }),
    async met(farm) {
      assert.equal(await templates(farm), 2)
      assert.deepEqual((await farm.storage.inventory()).staging, [])
    },
  },
  'template rm': {
    ask: (farm) => farm.ask('removeTemplate', { params: { template: 'debian:12' } }),
    met: async (farm) => assert.equal(await templates(farm), 0),
  },
}

/** The failpoints that the work passes when nobody dies. */
async function failpointsOf(work: Work): Promise<readonly string[]> {
  const farm = await new SimFarm().open()
  await work.before?.(farm)
  const from = farm.passed.length
  await work.ask(farm)
  await farm.pass(40)
  await assertMet(work, farm)
  return farm.passed.slice(from)
}

async function assertMet(work: Work, farm: SimFarm): Promise<void> {
  await work.met(farm)
  assert.deepEqual(await farm.left(), [])
  const open = (await farm.operations()).filter(({ state }) => state !== 'done')
  assert.deepEqual(open, [], 'every operation has ended well')
}

const story: string[] = []

for (const [name, work] of Object.entries(works)) {
  test(`${name}, and the daemon dies at each step`, async () => {
    const failpoints = await failpointsOf(work)
    assert.ok(failpoints.length > 0)
    for (const [index, failpoint] of failpoints.entries()) {
      const farm = await new SimFarm().open()
      await work.before?.(farm)
      const from = farm.lines.length
      farm.killAfter(index)
      await work.ask(farm)
      await farm.pass(5)
      if (farm.isAlive) assert.fail(`${failpoint} was not passed again`)
      await farm.boot()
      await farm.pass(40)
      await assertMet(work, farm).catch((thrown) => {
        throw new Error(`${name}, killed at ${failpoint}: ${thrown.message}\n${farm.lines.join('\n')}`)
      })
      const done = farm.lines.slice(from).filter((line) => /^\s+\S+ (host|op) /.test(line))
      story.push(`# ${name}, killed at ${failpoint}`, ...done.map((line) => `  ${line.slice(14)}`))
    }
  })
}

test('what was done after each death is the story that is written down', () => {
  assertGolden('daemon-killed-at-every-step', story)
})
