/** Guests are put where they fit best, on whatever host they are asked for, and why is kept. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Guest } from '../../src/api/guest.ts'
import type { Host } from '../../src/api/host.ts'
import type { Explanation, Proposal } from '../../src/api/placement.ts'
import type { Accepted } from '../../src/api/resources.ts'
import type { Peers } from '../../src/daemon/peers/peers.ts'
import { keys } from '../../src/daemon/records/keys.ts'
import { answerTo, checked } from './asking.ts'
import { HostsFarm, until } from './hosts-farm.ts'
import { templateOnAll } from './hosts-templates.ts'

let farm: HostsFarm
before(async () => {
  farm = await HostsFarm.open('ash', 'birch', 'cedar')
  await templateOnAll(farm, 'debian:12')
  await until('all say what they can take', async () => (await farm.store.list(keys.allFacts)).entries.length === 3)
})
after(() => farm?.close())

type Said = Accepted<Guest> & { readonly code?: string; readonly message?: string }
const create = (at: string, name: string, more: object = {}) =>
  farm.ask<Said>(at, 'POST', '/v1/guests?wait=20000', { name, template: 'debian:12', memory: '256M', ...more })
async function made(at: string, name: string, more: object = {}): Promise<Guest> {
  const { status, said } = await create(at, name, more)
  assert.equal(status, 200, JSON.stringify(said))
  return said.result ?? assert.fail()
}
const set = (host: string, body: object) => farm.ask('cedar', 'PATCH', `/v1/hosts/${host}`, body)
const drain = (host: string, drained: boolean) => farm.ask('birch', 'POST', `/v1/hosts/${host}/drain`, { drained })

test('the host that is named has it, whoever was asked; why is kept', async () => {
  for (const [at, host] of [
    ['ash', 'birch'],
    ['birch', 'birch'],
    ['cedar', 'ash'],
  ] as const) {
    const guest = await made(at, `on-${host}-by-${at}`, { host })
    assert.deepEqual([guest.host, guest.placed?.host, guest.status?.state], [host, host, 'running'])
    assert.equal(guest.placed?.reasons[0]?.why, 'this host was asked for (--host)')
  }
  const { said } = await create('ash', 'nowhere', { host: 'elm' })
  assert.deepEqual([said.code, said.message], ['NOT_FOUND', 'no host "elm"'])
})

test('without a name it goes where it fits: tags, near, away, and never to who is drained', async () => {
  await set('cedar', { tags: 'ssd' })
  const fast = await made('ash', 'fast', { labels: { 'host-tags': 'ssd' } })
  assert.equal(fast.host, 'cedar')
  assert.doesNotMatch(JSON.stringify(fast.placed), /asked for/)
  const db = await made('ash', 'data1', { host: 'birch', labels: { role: 'db' } })
  assert.equal((await made('ash', 'shop1', { labels: { near: 'data1' } })).host, db.host)
  assert.notEqual((await made('birch', 'data2', { labels: { away: 'role=db', role: 'db' } })).host, db.host)
  for (const host of ['ash', 'birch']) await drain(host, true)
  assert.equal((await made('ash', 'rest')).host, 'cedar')
  const named = await create('cedar', 'no', { host: 'ash' })
  assert.deepEqual([named.said.code, named.said.message], ['NO_ROOM', 'no host can take no: ash: it is drained'])
  const asked = await create('cedar', 'no', { labels: { 'host-tags': 'gpu' } })
  assert.match(asked.said.message ?? '', /ash: it is drained; birch: it is drained; cedar: it has no tag gpu$/)
  for (const host of ['ash', 'birch']) await drain(host, false)
})

test('a host that is chosen is asked for what was said, and for no default that an older one may not know', async () => {
  const { daemon } = farm.get('ash')
  const [open, others] = [daemon.open(), daemon.others?.()]
  assert.ok(open && others)
  const said: unknown[] = []
  const request: Peers['request'] = (host, asked) => {
    said.push(JSON.parse(String(asked.body)))
    return others.peers.request(host, asked)
  }
  const spied = { ...daemon, open: () => ({ ...open, others: { ...others, peers: { ...others.peers, request } } }) }
  const sent = { name: 'plain', template: 'debian:12', labels: { 'host-tags': 'ssd' } }
  await answerTo(spied, 'createGuest', { ...checked('createGuest', { body: sent, query: { dryRun: '1' } }), sent })
  const [{ placed, ...rest }] = said as [{ placed?: { host: string } }]
  assert.deepEqual([rest, placed?.host], [{ ...sent, host: 'cedar' }, 'cedar'])
})

test('what a dry run says is where it would go, and nothing is written', async () => {
  const { said } = await farm.ask<Said>('ash', 'POST', '/v1/guests?dryRun=1', {
    ...{ name: 'dry', template: 'debian:12', host: 'cedar' },
  })
  assert.deepEqual([said.steps?.[0]?.step, said.steps?.[0]?.detail.slice(0, 9)], ['place', 'on cedar:'])
  assert.ok((said.steps?.length ?? 0) > 3)
  assert.equal((await farm.store.get(keys.name('dry'))).entry, undefined)
})

test('explain tells why it was, and how it would be now', async () => {
  const { said } = await farm.ask<Explanation>('cedar', 'GET', '/v1/guests/shop1/explain')
  assert.equal(said.placed?.reasons.at(-1)?.why, 'near data1')
  assert.deepEqual(said.now.candidates.map(({ host }) => host).sort(), ['ash', 'birch', 'cedar'])
  assert.equal(said.now.candidates[0]?.host, 'birch')
})

test('balance proposes what would be better elsewhere, and moves nothing', async () => {
  await drain('birch', true)
  const { said } = await farm.ask<Proposal[]>('cedar', 'GET', '/v1/balance')
  const there = said.find(({ guest }) => guest === 'data1')
  assert.deepEqual([there?.from, there?.why.startsWith('birch cannot have it')], ['birch', true])
  assert.ok(said.every(({ to }) => to !== 'birch'))
  await drain('birch', false)
})

test('why a guest is there is said by hosts alone', async () => {
  const placed = { host: 'ash', at: '2026-01-01T00:00:00Z', points: 1, reasons: [], others: [] }
  assert.equal((await create('ash', 'liar', { placed })).said.code, 'BAD_VALUE')
})

test('deciders on three hosts at once promise no more than there is', async () => {
  const { said: before } = await farm.ask<Host[]>('ash', 'GET', '/v1/hosts')
  const free = before.map(({ memory }) => Math.floor(((memory.totalBytes ?? 0) * 0.9 - memory.promisedBytes) / 2 ** 30))
  for (const [at, { name, memory }] of before.entries())
    await set(name, {
      reserve: String((memory.totalBytes ?? 0) - memory.promisedBytes - (at + 2) * 2 ** 30),
      overcommit: '1',
    })
  assert.ok(
    free.every((each) => each > 4),
    'the machine has memory',
  )
  const names = Array.from({ length: 20 }, (_, at) => `many${at}`)
  const answers = await Promise.all(
    names.map((name, at) => create(['ash', 'birch', 'cedar'][at % 3] ?? 'ash', name, { memory: '1G', start: false })),
  )
  const refused = answers.filter(({ status }) => status !== 200)
  assert.equal(answers.length - refused.length, 2 + 3 + 4, JSON.stringify(refused.map(({ said }) => said)))
  for (const { said } of refused) assert.equal(said.code, 'NO_ROOM')
  const { said: hosts } = await farm.ask<Host[]>('birch', 'GET', '/v1/hosts')
  for (const { memory } of hosts) assert.equal(memory.promisedBytes, memory.mostBytes)
})

test('a host that is away is passed over, and named as such', async () => {
  await farm.get('cedar').close()
  await until('cedar is away', async () => {
    const { said } = await farm.ask<Host[]>('ash', 'GET', '/v1/hosts')
    return said.find(({ name }) => name === 'cedar')?.state === 'away'
  })
  const { said } = await create('ash', 'late', { host: 'cedar' })
  assert.equal(said.code, 'HOST_UNREACHABLE')
})
