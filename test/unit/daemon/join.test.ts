/** Joining without a wire: tokens, clocks, doors, and hosts that come at the same moment. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isCode } from '../../../src/api/errors.ts'
import { joinToken, parseJoinToken } from '../../../src/api/join.ts'
import { systemEnv } from '../../../src/daemon/env.ts'
import { bindInvitation } from '../../../src/daemon/join/admit.ts'
import { assertClock } from '../../../src/daemon/join/join.ts'
import { type Reservation, reserveHost } from '../../../src/daemon/join/reserve.ts'
import {
  assertMayCome,
  assertUsable,
  findInvitationOf,
  type InvitationRecord,
  makeInvitation,
} from '../../../src/daemon/records/invitations.ts'
import { keys } from '../../../src/daemon/records/keys.ts'
import { hashOf } from '../../../src/daemon/records/tokens.ts'
import { assertComerCan } from '../../../src/daemon/records/versions.ts'
import { doorOf, keepsHosts } from '../../../src/plan/host-door.ts'
import { firstFreeBlock, firstFreeHostNumber } from '../../../src/plan/hosts.ts'
import { listHistory } from '../../../src/store/history.ts'
import { createMemoryStore } from '../../../src/store/memory/index.ts'
import type { Store } from '../../../src/store/store.ts'

const secret = 'mG7_'.padEnd(43, 'x')
const fingerprint = '4f9a'.padEnd(64, '0')

test('a token is read back as it was made, and one that was changed is none', () => {
  for (const address of ['198.51.100.1:8443', '[2001:db8::1]:8443', 'ash.meadow.example:443']) {
    const token = joinToken({ address, secret, fingerprint })
    assert.deepEqual(parseJoinToken(` ${token}\n`), { address, secret, fingerprint })
  }
  const whole = joinToken({ address: '198.51.100.1:8443', secret, fingerprint })
  for (const wrong of [
    '',
    'cf1',
    whole.slice(0, -1),
    `${whole}0`,
    whole.replace(':8443', ''),
    whole.replace('cf1', 'cf2'),
  ])
    assert.equal(parseJoinToken(wrong), undefined, wrong)
  for (const hostile of ['-oProxy=x:1', 'a b:1', '$(id):1', 'a/b:1', '\u202e:1', '..:1'])
    assert.equal(parseJoinToken(joinToken({ address: hostile, secret, fingerprint })), undefined, hostile)
})

test('clocks may differ by half a minute', () => {
  assertClock(1_000_000, 1_029_000)
  assert.throws(() => assertClock(1_000_000, 4_600_000), /the clocks differ by 3600 s: here 1970-.*, there 1970-/)
  assert.throws(
    () => assertClock(4_600_000, 1_000_000),
    (thrown) => isCode(thrown, 'REFUSED'),
  )
})

test('who could not open the store is told before anything is handed over', () => {
  const birch = { name: 'birch', version: '0.1.0', abilities: ['carry'] }
  assertComerCan([], birch)
  assertComerCan(['carry'], birch)
  assert.throws(() => assertComerCan(['carry', 'store-ca'], birch), {
    code: 'HOST_TOO_OLD',
    message: /^birch \(croft 0\.1\.0\) cannot do this yet: a CA/,
  })
})

test('the door stays where the hosts know it', () => {
  const own = '198.51.100.1:8443'
  assert.deepEqual(
    [undefined, ':8443', ':9443', '203.0.113.1:8443', own].map((listen) => [
      doorOf(listen, own),
      keepsHosts(listen, own),
    ]),
    [
      [own, true],
      [':8443', true],
      [own, false],
      [own, false],
      [own, true],
    ],
  )
  assert.deepEqual([doorOf(undefined, undefined), doorOf(':8443', undefined)], [undefined, ':8443'])
})

test('the lowest number and the lowest block that nobody has', () => {
  assert.deepEqual([firstFreeHostNumber([]), firstFreeHostNumber([1, 2, 4])], [1, 3])
  assert.equal(firstFreeHostNumber(Array.from({ length: 255 }, (_, at) => at + 1)), undefined)
  assert.deepEqual([firstFreeBlock([]), firstFreeBlock([0, 2])], [0, 1])
  assert.equal(firstFreeBlock(Array.from({ length: 256 }, (_, at) => at)), undefined)
})

test('an invitation is for one host, which may come again also when its time is over', () => {
  const invitation = { schema: 1, id: 'x', hash: '', created: '', by: 'root', expires: '2026-01-01T00:00:00.000Z' }
  const [soon, late] = [Date.parse('2025-12-31'), Date.parse('2026-01-02')]
  assertUsable(invitation, soon, 'ab')
  assert.throws(() => assertUsable(invitation, late, 'ab'), /this invitation ended at 2026-01-01/)
  const bound = { ...invitation, bound: { key: hashOf('ab'), host: 'birch', at: '2026-01-01T12:00:00.000Z' } }
  assertUsable(bound, late, 'ab')
  assert.throws(() => assertUsable(bound, soon, 'cd'), /used already, by the host "birch"/)
})

test('an invitation that was used ends: a day after it was shown, an hour after its host is in, and with that host', async () => {
  const invitation = { schema: 1, id: 'x', hash: '', created: '', by: 'root', expires: '2026-01-01T00:00:00.000Z' }
  const bound = { ...invitation, bound: { key: hashOf('ab'), host: 'birch', at: '2026-01-01T00:00:00.000Z' } }
  const ended = /this invitation ended, used by the host "birch"/
  assertUsable(bound, Date.parse('2026-01-01T23:59:00Z'), 'ab')
  assert.throws(() => assertUsable(bound, Date.parse('2026-01-02T00:00:00Z'), 'ab'), ended)
  assert.throws(() => assertUsable({ ...bound, bound: { ...bound.bound, at: 'never' } }, 0, 'ab'), ended)
  const joined = { ...bound, joined: 'birch', joinedAt: '2026-01-01T20:00:00.000Z' }
  const [within, over] = [Date.parse('2026-01-01T20:59:00Z'), Date.parse('2026-01-01T21:00:00Z')]
  assertUsable(joined, within, 'ab')
  assert.throws(() => assertUsable(joined, over, 'ab'), ended)
  const { joinedAt: _, ...older } = joined
  assert.throws(() => assertUsable(older, within, 'ab'), ended, 'a record that does not say when')
  const { store } = await farmWith([])
  await assert.rejects(assertMayCome(store, joined, within, 'ab'), /used by the host "birch", which is no more/)
  await store.transact([], [{ put: keys.host('birch'), value: { schema: 1, name: 'birch', number: 2, uidBase: 0 } }])
  await assertMayCome(store, joined, within, 'ab')
})

test('each time that a host is let in is told, with the address that it came from; a new name gains no time', async () => {
  const { store } = await farmWith([])
  let now = Date.parse('2026-01-01T00:00:00Z')
  const env = { ...systemEnv, now: () => now }
  const { id, hash } = makeInvitation(systemEnv)
  const expires = new Date(now + 60_000).toISOString()
  await store.transact([], [{ put: keys.invite(id), value: { schema: 1, id, hash, created: '', by: 'root', expires } }])
  const come = (name: string) =>
    bindInvitation({ env, store: () => store }, id, { name, key: 'ab', from: '198.51.100.7' })
  await come('mallory')
  now += 23 * 3_600_000
  await come('mallory2')
  now += 3_600_000
  await assert.rejects(come('mallory2'), /this invitation ended, used by the host "mallory2"/)
  const { entries } = await listHistory(store)
  assert.deepEqual(
    entries.map(({ kind, verb, name, by, after }) => [kind, verb, name, by, after]),
    ['mallory2', 'mallory'].map((name) => [
      ...['host', 'admit', name, `invitation:${id}`],
      { invitation: id, invitedBy: 'root', from: '198.51.100.7' },
    ]),
  )
})

async function farmWith(names: readonly string[]): Promise<{ store: Store; wanted: Reservation[] }> {
  const store = createMemoryStore({ now: () => 0, id: 'store' })
  await store.transact(
    [],
    [
      { put: keys.host('ash'), value: { schema: 1, name: 'ash', number: 1, uidBase: 0 } },
      { put: keys.numbers('ash'), value: { schema: 1, blocks: [0, 1], next: 1, used: [], resting: [], slots: [] } },
    ],
  )
  const wanted: Reservation[] = []
  for (const name of names) {
    const { id, hash } = makeInvitation(systemEnv)
    const key = systemEnv.randomHex(32)
    const bound = { key: hashOf(key), host: name, at: '' }
    const value: InvitationRecord = { schema: 1, id, hash, created: '', by: 'root', expires: '', bound }
    await store.transact([], [{ put: keys.invite(id), value }])
    const pool = { name: 'default', kind: 'file', source: '/pool.img', mountPoint: '/pool' } as const
    wanted.push({ ...{ invitation: id, key, name, by: 'root', pool }, address: '198.51.100.9:8443', hostKey: 'c0ffee' })
  }
  return { store, wanted }
}

test('hosts that come at once get numbers and blocks of their own, and one of two of a name is refused', async () => {
  const { store, wanted } = await farmWith(['birch', 'cedar', 'dogwood', 'birch'])
  const ends = await Promise.allSettled(wanted.map((each) => reserveHost(systemEnv, store, each)))
  assert.equal(ends.filter(({ status }) => status === 'fulfilled').length, 3)
  const refused = ends.find(({ status }) => status === 'rejected') as PromiseRejectedResult
  assert.match(String(refused.reason), /has a host "birch" already/)
  const hosts = (await store.list(keys.hosts)).entries.map(({ value }) => value as { number: number })
  assert.deepEqual(hosts.map(({ number }) => number).sort(), [1, 2, 3, 4])
  const numbers = (await store.list(keys.allNumbers)).entries.flatMap(
    ({ value }) => (value as { blocks: number[] }).blocks,
  )
  assert.deepEqual(numbers.sort(), [0, 1, 2, 3, 4])
  const blocks = (await store.get(keys.blocks)).entry ?? assert.fail('no record of blocks')
  const { taken } = blocks.value as { taken: Record<string, string> }
  assert.deepEqual(Object.keys(taken), ['0', '1', '2', '3', '4'], 'also those that an older farm had leased')
})

test('said again it changes nothing, and another key or name has no part in it', async () => {
  const { store, wanted } = await farmWith(['birch'])
  const [first] = wanted as [Reservation]
  const host = await reserveHost(systemEnv, store, first)
  const { revision } = await store.get(keys.farm)
  assert.deepEqual(await reserveHost(systemEnv, store, first), host)
  assert.equal((await store.get(keys.farm)).revision, revision)
  await assert.rejects(
    reserveHost(systemEnv, store, { ...first, key: 'other' }),
    /not, or no longer, that of this host/,
  )
  await assert.rejects(reserveHost(systemEnv, store, { ...first, name: 'elm' }), /in the farm as "birch"/)
  assert.equal(await findInvitationOf(store, 'x'.repeat(43)), undefined)
  assert.equal(await findInvitationOf(store, '../farm'), undefined)
})

test('a witness has no block, no numbers and no pool', async () => {
  const { store, wanted } = await farmWith(['vote'])
  const [first] = wanted as [Reservation]
  const host = await reserveHost(systemEnv, store, { ...first, pool: undefined })
  assert.deepEqual([host.witness, host.number], [true, 2])
  assert.equal((await store.get(keys.numbers('vote'))).entry, undefined)
  assert.equal((await store.list(keys.pools('vote'))).entries.length, 0)
})
