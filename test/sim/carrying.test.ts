/** Any host answers any request: what is another's is carried there, once. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Guest, Usage } from '../../src/api/guest.ts'
import type { Accepted, Operation, Pool, Status } from '../../src/api/resources.ts'
import { keys } from '../../src/daemon/records/keys.ts'
import { type NameRecord, read } from '../../src/daemon/records/records.ts'
import { HostsFarm, until } from './hosts-farm.ts'

let farm: HostsFarm
before(async () => {
  farm = await HostsFarm.open('ash', 'birch')
  await farm.templates()
})
after(() => farm?.close())

const hostOf = async (guest: string) => (await read<NameRecord>(farm.store, keys.name(guest)))?.value.host

test('a guest of another host is changed there, and its operation settled', async () => {
  const made = await farm.ask<Accepted<Guest>>('birch', 'POST', '/v1/guests?wait=20000', {
    ...{ name: 'web', template: 'birch:1', host: 'birch' },
  })
  assert.equal(made.status, 200, JSON.stringify(made.said))
  assert.equal(await hostOf('web'), 'birch')
  const stopped = await farm.ask<Accepted<Guest>>('ash', 'POST', '/v1/guests/web/actions?wait=20000', { do: 'stop' })
  assert.deepEqual(
    [stopped.status, stopped.said.operation?.state, stopped.said.operation?.host],
    [200, 'done', 'birch'],
  )
  const { said } = await farm.ask<Guest>('ash', 'GET', '/v1/guests/web')
  assert.deepEqual([said.host, said.status?.state], ['birch', 'stopped'])
  const waited = await farm.ask<Operation>('ash', 'GET', `/v1/operations/${stopped.said.operation?.id}?wait=5000`)
  assert.equal(waited.said.state, 'done')
  const all = await farm.ask<Operation[]>('ash', 'GET', '/v1/operations')
  assert.equal(all.said.filter(({ verb }) => verb === 'stop').length, 1, 'it was answered once')
})

test('what is refused there is said here, word by word', async () => {
  const [here, there] = await Promise.all(
    ['birch', 'ash'].map((host) => farm.ask(host, 'POST', '/v1/guests/web/snapshots/none/restore', {})),
  )
  assert.deepEqual(there, here)
  assert.equal(there?.said.code, 'SNAPSHOT_NOT_FOUND')
  const nobody = await farm.ask('ash', 'POST', '/v1/guests/nobody/actions', { do: 'stop' })
  assert.equal(nobody.said.code, 'GUEST_NOT_FOUND')
})

test('how root enters a guest is said on its own host alone', async () => {
  await farm.ask('ash', 'POST', '/v1/guests/web/actions?wait=20000', { do: 'start' })
  assert.equal((await farm.ask('birch', 'GET', '/v1/guests/web/attach')).status, 200)
  const { status, said } = await farm.ask('ash', 'GET', '/v1/guests/web/attach')
  assert.deepEqual([status, said.code, said.message], [421, 'ELSEWHERE', 'it is on host birch'])
})

test('a carried request is carried no further', async () => {
  const { entry } = await farm.store.get(keys.name('web'))
  await farm.store.transact([], [{ put: keys.name('odd'), value: { kind: 'guest', host: 'birch', number: 999 } }])
  // Birch reads another word of whose it is, as in the moment of a move.
  const { peers } = farm.get('ash').daemon.others?.() ?? assert.fail()
  await farm.store.transact([], [{ put: keys.name('odd'), value: { ...(entry?.value as object), host: 'ash' } }])
  const caller = { name: 'root', role: 'operator' } as const
  for (const asked of [{ caller }, {}]) {
    const answer = await peers.request('birch', {
      ...{ method: 'POST', path: '/v1/guests/odd/actions', body: '{"do":"stop"}', ...asked },
    })
    assert.equal(answer.status, 421)
    answer.body.destroy()
  }
  await farm.store.transact([], [{ delete: keys.name('odd') }])
})

test('lists are of all hosts; what each host uses is asked of it', async () => {
  await farm.ask('ash', 'POST', '/v1/guests?wait=20000', { name: 'app1', template: 'ash:1', host: 'ash' })
  await until('both are known to be there', () =>
    ['ash', 'birch'].every((name) => farm.get(name).daemon.others?.()?.isAlive('ash')),
  )
  await until('birch is known to be there', () => farm.get('ash').daemon.others?.()?.isAlive('birch') === true)
  for (const host of ['ash', 'birch']) {
    const guests = await farm.ask<Guest[]>(host, 'GET', '/v1/guests')
    assert.deepEqual(
      guests.said.map(({ name, host: on, status }) => [name, on, status?.state]),
      [
        ['app1', 'ash', 'running'],
        ['web', 'birch', 'running'],
      ],
    )
    await until('usage is told of both', async () => {
      const { said } = await farm.ask<Usage[]>(host, 'GET', '/v1/usage')
      assert.deepEqual(
        said.map(({ name }) => name),
        ['app1', 'web'],
      )
      return said.every(({ processes }) => processes !== null)
    })
    const one = await farm.ask<Usage[]>(host, 'GET', '/v1/usage?guest=web')
    assert.equal(typeof one.said[0]?.processes, 'number')
    const { said: pools } = await farm.ask<Pool[]>(host, 'GET', '/v1/pools')
    assert.deepEqual(pools.map(({ host: of, mounted }) => [of, mounted]).sort(), [
      ['ash', true],
      ['birch', true],
    ])
    assert.deepEqual((await farm.ask<Status>(host, 'GET', '/v1/status')).said.guests, { running: 2 })
  }
})

test('one host leads; what its loops hear is carried to it', async () => {
  assert.deepEqual(['ash', 'birch'].map(farm.leaderOf), ['ash', 'ash'])
  const { said } = await farm.ask('birch', 'DELETE', '/v1/sites/shop%2Fprod')
  assert.equal(said.code, 'NOT_FOUND')
})

test('a host that is away: what the store knows is told, all else is refused soon', async () => {
  await farm.get('birch').close()
  const from = performance.now()
  const { status, said } = await farm.ask('ash', 'POST', '/v1/guests/web/actions', { do: 'stop' })
  assert.deepEqual([status, said.code, said.hint], [503, 'HOST_UNREACHABLE', 'croft host ls · on birch: croft doctor'])
  assert.match(String(said.message), /^host birch \(127\.0\.0\.1:\d+\) does not answer: /)
  assert.ok(performance.now() - from < 3000)
  assert.equal((await farm.ask('ash', 'GET', '/v1/guests/web')).status, 200)
  const { said: used } = await farm.ask<Usage[]>('ash', 'GET', '/v1/usage')
  assert.deepEqual(
    used.map(({ name, processes }) => [name, processes === null]),
    [
      ['app1', false],
      ['web', true],
    ],
  )
  const { said: told } = await farm.ask<Status>('ash', 'GET', '/v1/status')
  assert.ok(
    told.attention.some(({ what }) => what === 'host birch'),
    JSON.stringify(told.attention),
  )
  assert.deepEqual(await farm.ask('ash', 'GET', '/v1/guests/web/rules'), { status: 200, said: [] })
  await farm.boot('birch')
  const back = await farm.ask<Accepted>('ash', 'POST', '/v1/guests/web/actions?wait=20000', { do: 'stop' })
  assert.equal(back.said.operation?.state, 'done')
})

test('the next host leads when the first has gone', async () => {
  await farm.get('ash').close()
  await until('birch leads', () => farm.leaderOf('birch') === 'birch')
  const { said } = await farm.ask('birch', 'DELETE', '/v1/sites/shop%2Fprod')
  assert.equal(said.code, 'NOT_FOUND')
})
