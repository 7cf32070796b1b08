/** Stories of several hosts, each told as a log: who joins, who leads, who is away, who is asked. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Host } from '../../src/api/host.ts'
import type { Operation } from '../../src/api/resources.ts'
import type { MembersRecord } from '../../src/daemon/records/app-records.ts'
import { keys } from '../../src/daemon/records/keys.ts'
import { type BlocksRecord, read } from '../../src/daemon/records/records.ts'
import { assertGolden } from './golden.ts'
import { SimHosts } from './several.ts'

const web = { guest: 'web' }
const make = (farm: SimHosts, at: string, name: string, host?: string) =>
  farm.ask(at, 'createGuest', { body: { name, template: 'debian:12', ...(host ? { host } : {}) } })
const stateOf = async (farm: SimHosts, host: string, asked = 'ash') =>
  ((await farm.ask(asked, 'getHost', { params: { host } })) as Host | undefined)?.state
const ended = async (farm: SimHosts): Promise<readonly string[]> =>
  (await farm.operations()).map(({ verb, target, state }: Operation) => `${verb} ${target.name} ${state}`)

const stories: Record<string, (farm: SimHosts) => Promise<void>> = {
  async 'two-join-at-once'(farm) {
    const tokens = [await farm.invite(), await farm.invite()]
    const joined = await Promise.all(['dogwood', 'elm'].map((name, at) => farm.join(name, tokens[at] ?? '')))
    assert.deepEqual(joined.map((host) => host?.number).sort(), [4, 5])
    const blocks = await read<BlocksRecord>(farm.store, keys.blocks)
    assert.deepEqual(Object.values(blocks?.value.taken ?? {}).toSorted(), ['ash', 'birch', 'cedar', 'dogwood', 'elm'])
    await farm.pass(10)
    await make(farm, 'elm', 'web', 'elm')
    await farm.pass(10)
    assert.deepEqual(await farm.guests(), { web: 'elm' })
  },

  async 'two-join-by-one-name'(farm) {
    const tokens = [await farm.invite(), await farm.invite()]
    const joined = await Promise.all(tokens.map((token, at) => farm.join('elm', token, { key: `key ${at}` })))
    assert.equal(joined.filter((host) => host !== undefined).length, 1)
  },

  async 'a-token-is-shown-twice'(farm) {
    const token = await farm.invite()
    assert.equal((await farm.join('dogwood', token))?.number, 4)
    assert.equal(await farm.join('elm', token), undefined)
    farm.lines.push('       dogwood types it again, for the answer was lost')
    assert.equal((await farm.join('dogwood', token))?.number, 4)
    await farm.pass(5)
  },

  async 'a-token-ends'(farm) {
    const tokens = [await farm.invite(20_000), await farm.invite(20_000)]
    await farm.join('elm', tokens[1] ?? '', { dies: true })
    await farm.pass(21)
    assert.equal(await farm.join('dogwood', tokens[0] ?? ''), undefined)
    assert.equal((await farm.join('elm', tokens[1] ?? ''))?.number, 4, 'who was let in may come again')
    await farm.pass(5)
  },

  async 'who-leads-dies-in-a-rollout'(farm) {
    await serving(farm)
    await deployedSlowly(farm)
    farm.ash.kill()
    assert.ok(await farm.until(() => farm.leader('birch') === 'cedar' || farm.leader('birch') === 'birch', 30))
    assert.ok(await farm.until(async () => (await ended(farm)).includes('deploy shop/prod done'), 90))
    await farm.ash.boot()
    await farm.pass(30)
    assert.deepEqual(await releases(farm), ['shop:v2', 'shop:v2', 'shop:v2'])
  },

  async 'who-leads-is-cut-off-in-a-rollout'(farm) {
    await serving(farm)
    await deployedSlowly(farm)
    farm.cut('ash')
    assert.ok(await farm.until(() => ['birch', 'cedar'].includes(farm.leader('birch') ?? ''), 30))
    await farm.pass(20)
    farm.mend('ash')
    await farm.pass(20)
    assert.ok((await ended(farm)).includes('deploy shop/prod failed'), 'the one on ash is seen by nobody')
    assert.deepEqual(await releases(farm), ['shop:v1', 'shop:v1', 'shop:v1'])
    assert.deepEqual(Object.values(await farm.guests()).toSorted(), ['ash', 'birch', 'cedar'])
    assert.equal(farm.leader('ash'), farm.leader('birch'))
  },

  async 'the-store-has-no-leader-for-a-while'(farm) {
    await make(farm, 'ash', 'web', 'ash')
    await farm.pass(3)
    const all = (up: boolean) => {
      for (const host of farm.hosts.values()) host.store.reachable(up)
    }
    for (const seconds of [4, 14]) {
      farm.lines.push(`       nobody leads the store for ${seconds} s`)
      all(false)
      farm.ash.runtime.die(1)
      await make(farm, 'birch', `new${seconds}`)
      await farm.pass(seconds)
      all(true)
      await farm.pass(16)
      assert.ok(['ash', 'birch', 'cedar'].includes(farm.leader() ?? ''))
      await make(farm, 'birch', `data${seconds}`, 'birch')
      await farm.pass(5)
      assert.deepEqual(await farm.copies(1), ['ash'])
    }
  },

  async 'a-host-is-away-while-a-site-is-deployed'(farm) {
    await serving(farm)
    farm.cut('cedar')
    await farm.pass(16)
    assert.equal(await stateOf(farm, 'cedar'), 'away')
    await deploy(farm, 'v2')
    await farm.pass(60)
    farm.mend('cedar')
    assert.ok(await farm.until(async () => (await ended(farm)).includes('deploy shop/prod done'), 120))
    await farm.pass(30)
    assert.deepEqual(await releases(farm), ['shop:v2', 'shop:v2', 'shop:v2'])
    assert.equal(Object.keys(await farm.guests()).length, 3, 'what was away has lost its own')
  },

  async 'carried-while-the-other-daemon-restarts'(farm) {
    await make(farm, 'ash', 'web', 'birch')
    await farm.pass(3)
    farm.birch.killAfter(1)
    const asked = farm.begin('ash', 'actGuest', { params: web, body: { do: 'restart' }, query: { wait: '60000' } })
    await farm.pass(3)
    await farm.birch.boot()
    await farm.pass(10)
    await asked
    assert.ok((await ended(farm)).includes('restart web done'))
    assert.deepEqual(await farm.copies(257), ['birch'])
  },

  async 'the-chosen-host-dies'(farm) {
    await farm.ask('ash', 'changeHost', { params: { host: 'birch' }, body: { tags: 'ssd' } })
    await farm.ask('ash', 'changeHost', { params: { host: 'cedar' }, body: { tags: 'ssd' } })
    farm.birch.kill()
    await farm.ask('ash', 'createGuest', {
      body: { name: 'web', template: 'debian:12', labels: { 'host-tags': 'ssd' } },
    })
    await farm.pass(10)
    assert.deepEqual(await farm.guests(), { web: 'cedar' })
    farm.cedar.kill()
    await farm.ask('ash', 'createGuest', {
      body: { name: 'late', template: 'debian:12', labels: { 'host-tags': 'ssd' } },
    })
    await farm.pass(10)
    assert.deepEqual(await farm.guests(), { web: 'cedar' })
  },

  async 'the-last-room-is-asked-for-at-three'(farm) {
    for (const host of farm.hosts.keys())
      await farm.ask('ash', 'changeHost', { params: { host }, body: { reserve: host === 'cedar' ? '14G' : '16G' } })
    const create = (at: string) =>
      farm.ask(at, 'createGuest', { body: { name: `of-${at}`, template: 'debian:12', memory: '2G' } })
    await Promise.all([...farm.hosts.keys()].map(create))
    await farm.pass(10)
    assert.equal(Object.keys(await farm.guests()).length, 1)
  },

  async 'the-clock-of-one-host-jumps'(farm) {
    await make(farm, 'ash', 'web', 'birch')
    await farm.pass(3)
    for (const hours of [1, -2]) {
      farm.birch.say('clock', `jumps by ${hours} h`)
      farm.birch.offMs += hours * 3_600_000
      await farm.pass(20)
      assert.equal(await stateOf(farm, 'birch'), 'up')
      await farm.ask('ash', 'actGuest', { params: web, body: { do: 'restart' } })
      await make(farm, 'birch', hours === 1 ? 'fast' : 'slow', 'birch')
      await farm.pass(10)
      assert.equal(farm.leader('birch'), 'ash')
    }
    assert.deepEqual(Object.values(await farm.guests()), ['birch', 'birch', 'birch'])
  },
}

const site = { site: 'shop/prod' }

/** Three instances, one on each host. */
async function serving(farm: SimHosts): Promise<void> {
  await farm.ask('ash', 'addSite', { body: { name: site.site } })
  for (const version of ['v1', 'v2']) await farm.release(version)
  await farm.ask('birch', 'deploySite', { params: site, body: { version: 'v1', instances: 3 } })
  assert.ok(await farm.until(async () => (await ended(farm)).includes('deploy shop/prod done'), 60))
  assert.deepEqual(Object.values(await farm.guests()).toSorted(), ['ash', 'birch', 'cedar'])
  const done = (await farm.operations()).find(({ verb }) => verb === 'deploy')
  await farm.store.transact([], [{ delete: keys.operation(done?.id ?? '') }])
}

const deploy = (farm: SimHosts, version: string) => farm.ask('birch', 'deploySite', { params: site, body: { version } })

/** Its new instances start, and are not well for a while. */
async function deployedSlowly(farm: SimHosts): Promise<void> {
  const from = farm.ash.clock.seconds
  for (const host of farm.hosts.values())
    host.unwell = ({ number }) => {
      const there = [...farm.hosts.values()][number >> 8]
      if (host !== there && (farm.isCut(host) || farm.isCut(there))) return 'no answer'
      return farm.ash.clock.seconds < from + 3 ? 'nothing listens there' : undefined
    }
  await deploy(farm, 'v2')
  await farm.pass(1.5)
  assert.equal((await ended(farm)).at(-1), 'deploy shop/prod running')
}

async function releases(farm: SimHosts): Promise<string[]> {
  const members = await read<MembersRecord>(farm.store, keys.membersOf(site.site))
  return (members?.value.members ?? []).map(({ release }) => release)
}

for (const [name, story] of Object.entries(stories))
  test(name, async () => {
    const farm = await SimHosts.open('ash', 'birch', 'cedar')
    await story(farm)
    assertGolden(`hosts/${name}`, farm.lines)
  })
