/** Hosts with crofts that differ: what all can goes on, what one cannot is refused in one line, and nothing is begun too early. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { CroftError } from '../../src/api/errors.ts'
import type { Guest } from '../../src/api/guest.ts'
import type { Host } from '../../src/api/host.ts'
import type { Explanation } from '../../src/api/placement.ts'
import type { Accepted, Status } from '../../src/api/resources.ts'
import type { LeaderRecord } from '../../src/daemon/farm/leader.ts'
import { keys } from '../../src/daemon/records/keys.ts'
import { type FactsRecord, read } from '../../src/daemon/records/records.ts'
import { enterVersions, readVersions, stepTo } from '../../src/daemon/records/versions.ts'
import { releaseFrom } from '../../src/daemon/release.ts'
import { HostsFarm, until } from './hosts-farm.ts'
import { templateOnAll } from './hosts-templates.ts'

const now = releaseFrom({})
const before1 = releaseFrom({ CROFT_PRETEND: '0.0.9:carry,instances' })

let farm: HostsFarm
before(async () => {
  farm = await HostsFarm.open('ash', 'birch', 'cedar')
  await farm.templates()
  for (const name of farm.hosts.keys()) {
    const made = await farm.ask<Accepted<Guest>>('ash', 'POST', '/v1/guests?wait=20000', {
      ...{ name: `on-${name}`, template: `${name}:1`, host: name },
    })
    assert.equal(made.status, 200, JSON.stringify(made.said))
  }
})
after(() => farm?.close())

const leader = async () => (await read<LeaderRecord>(farm.store, keys.leader))?.value.host

async function put(name: string, release: typeof now): Promise<void> {
  await farm.get(name).close()
  await farm.boot(name, release)
  await until('somebody leads', async () => (await leader()) !== undefined)
}

test('from N to N-1 and to N again, host by host, while each host that is up answers for all that are', async () => {
  const names = ['ash', 'birch', 'cedar']
  const failed: unknown[] = []
  let asked = 0
  let away = ''
  let over = false
  /** Hosts that were taken down, in their order. */
  const taken: string[] = []
  const ask = async (by: string, of: string): Promise<void> => {
    if ([by, of].includes(away)) return
    asked++
    const before = taken.length
    const answer = await farm.ask(by, 'POST', `/v1/guests/on-${of}/actions`, { do: 'start' }).catch(String)
    const wasTaken = taken.slice(before).some((name) => name === by || name === of)
    if (!wasTaken && (typeof answer === 'string' || answer.status > 202)) failed.push([by, of, answer])
  }
  const load = Promise.all(
    names.map(async (by) => {
      while (!over) {
        for (const of of names) await ask(by, of)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    }),
  )
  for (const release of [before1, now])
    for (const name of names) {
      away = name
      taken.push(name)
      await put(name, release)
      away = ''
      await until(`${name} is seen`, async () =>
        names.every((by) => by === name || farm.get(by).daemon.others?.()?.isAlive(name)),
      )
      const { said } = await farm.ask<Host[]>(name, 'GET', '/v1/hosts')
      assert.equal(said.find((host) => host.name === name)?.version, release.version)
    }
  over = true
  await load
  assert.deepEqual(failed, [])
  assert.ok(asked > 30, `${asked} requests`)
})

test('what one host cannot is refused there and by those that would ask it, by name; all others do it', async () => {
  await put('birch', before1)
  const there = await farm.ask('ash', 'POST', '/v1/guests/on-birch/move?dryRun=1', { to: 'cedar' })
  assert.deepEqual([there.status, there.said.code], [409, 'HOST_TOO_OLD'])
  assert.match(String(there.said.message), /^birch \(croft 0\.0\.9\) cannot do this yet/)
  assert.match(String(there.said.hint), /upgrade croft on birch/)
  const target = await farm.ask('ash', 'POST', '/v1/guests/on-ash/move?dryRun=1', { to: 'birch' })
  assert.equal(target.said.code, 'HOST_TOO_OLD')
  const itself = await farm.ask('birch', 'POST', '/v1/guests/on-birch/move?dryRun=1', { to: 'cedar' })
  assert.deepEqual([itself.status, itself.said.code], [404, 'NOT_FOUND'])
  const others = await farm.ask('ash', 'POST', '/v1/guests/on-ash/move?dryRun=1', { to: 'cedar' })
  assert.equal(others.status, 200, JSON.stringify(others.said))
  const { said } = await farm.ask<Status>('ash', 'GET', '/v1/status')
  const told = said.attention.find(({ what }) => what === 'versions')
  assert.match(told?.why ?? '', /^birch \(croft 0\.0\.9\) beside croft/)
  assert.equal(told?.do, 'upgrade croft on birch')
})

test('a guest of a VLAN goes to nobody who knows none, or lacks its device', async () => {
  const network = { name: 'office', vlan: 20, uplink: 'eth1', subnet: ['203.0.113.0/24'] }
  const made = await farm.ask('ash', 'POST', '/v1/networks', network)
  assert.deepEqual([made.status, made.said.warnings], [200, undefined], JSON.stringify(made.said))
  const there = await farm.ask('birch', 'POST', '/v1/networks', { ...network, name: 'lab', vlan: 21 })
  assert.equal(there.said.code, 'NOT_FOUND', 'that one has no such route')
  farm.vlansOf('cedar').wire.uplinks = ['eth0']
  await put('cedar', now)
  const facts = async () => (await read<FactsRecord>(farm.store, keys.facts('cedar')))?.value.uplinks
  await until('cedar tells its devices', async () => (await facts())?.join() === 'eth0')
  await templateOnAll(farm, 'debian:12')
  const create = (name: string, more: object = {}) =>
    farm.ask<Accepted<Guest> & { code?: string; message?: string }>('cedar', 'POST', '/v1/guests?wait=20000', {
      ...{ name, template: 'debian:12', memory: '64M', networks: [{ network: 'office', addresses: [] }], ...more },
    })
  const web = await create('web')
  assert.deepEqual([web.status, web.said.result?.host], [200, 'ash'], JSON.stringify(web.said))
  const [old, without] = [await create('no', { host: 'birch' }), await create('no', { host: 'cedar' })]
  assert.equal(old.said.code, 'HOST_TOO_OLD')
  assert.equal(without.said.message, 'no host can take no: cedar: it has no uplink eth1')
  const { said: explained } = await farm.ask<Explanation>('cedar', 'GET', '/v1/guests/web/explain')
  assert.deepEqual(
    explained.now.refused.map(({ host, why }) => `${host}: ${why.slice(0, 34)}`),
    ['birch: its croft 0.0.9 cannot do this yet', 'cedar: it has no uplink eth1'],
  )
  for (const [to, code] of [
    ['birch', 'HOST_TOO_OLD'],
    ['cedar', 'REFUSED'],
  ] as const) {
    assert.equal((await farm.ask('ash', 'POST', '/v1/guests/web/move?dryRun=1', { to })).said.code, code)
  }
  const attached = await farm.ask('ash', 'POST', '/v1/guests/on-birch/networks', { network: 'office', addresses: [] })
  assert.equal(attached.said.code, 'HOST_TOO_OLD')
  const drain = await farm.ask('cedar', 'POST', '/v1/hosts/ash/drain', { drained: true, move: true })
  assert.match(
    String(drain.said.message),
    /web: no host can take it \(birch: its croft 0\.0\.9 .*cedar: it has no uplink/,
  )
  assert.equal((await farm.ask('ash', 'DELETE', '/v1/guests/web?wait=20000')).status, 200)
  assert.equal((await farm.ask('ash', 'DELETE', '/v1/networks/office')).status, 200)
})

test('a host is emptied past one that cannot take guests yet', async () => {
  const body = { name: 'goes', template: 'ash:1', memory: '64M', host: 'ash', labels: { near: 'on-birch' } }
  assert.equal((await farm.ask('ash', 'POST', '/v1/guests?wait=20000', body)).status, 200)
  const { said: explained } = await farm.ask<Explanation>('ash', 'GET', '/v1/guests/goes/explain')
  assert.equal(explained.now.candidates[0]?.host, 'birch', 'it would be the best')
  const drained = { drained: true, move: true }
  const { status, said } = await farm.ask('cedar', 'POST', '/v1/hosts/ash/drain?wait=60000', drained)
  assert.equal(status, 200, JSON.stringify(said))
  const { said: guests } = await farm.ask<Guest[]>('ash', 'GET', '/v1/guests')
  assert.deepEqual(guests.map(({ name, host }) => `${name} ${host}`).sort(), [
    'goes cedar',
    'on-ash cedar',
    'on-birch birch',
    'on-cedar cedar',
  ])
  assert.equal((await farm.ask('ash', 'POST', '/v1/hosts/ash/drain', { drained: false })).status, 200)
})

test('a step waits for all hosts; after it an older croft opens the store no more', async () => {
  await assert.rejects(stepTo(farm.store, 'moves'), /birch \(croft 0\.0\.9\) cannot do this yet/)
  assert.deepEqual((await readVersions(farm.store)).needs, [])
  await put('birch', now)
  await stepTo(farm.store, 'moves')
  await stepTo(farm.store, 'moves')
  assert.deepEqual((await readVersions(farm.store)).needs, ['moves'])
  await assert.rejects(enterVersions(farm.store, 'birch', before1), (thrown) => {
    assert.ok(thrown instanceof CroftError)
    assert.equal(thrown.code, 'REFUSED')
    assert.match(thrown.message, /croft 0\.0\.9 on this host cannot: gives guests to other hosts/)
    return true
  })
  assert.equal((await readVersions(farm.store)).hosts.birch?.version, now.version, 'nothing was changed')
})

test('a host that steps back in the moment of a step: one of the two is refused', async () => {
  for (let count = 0; count < 20; count++) {
    await farm.store.transact([], [{ put: keys.versions, value: { schema: 1, hosts: {}, needs: [] } }])
    for (const name of farm.hosts.keys()) await enterVersions(farm.store, name, now)
    const [step, back] = await Promise.allSettled([
      stepTo(farm.store, 'moves'),
      enterVersions(farm.store, 'cedar', before1),
    ])
    assert.notEqual(step.status, back.status, `${step.status} and ${back.status}`)
  }
})
