import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Replica } from '../../../src/api/replica.ts'
import { roughSize, sizeText } from '../../../src/plan/amount.ts'
import {
  checkAttention,
  drainedAttention,
  guestAttention,
  hostAttention,
  type PoolSeen,
  poolAttention,
  replicaAttention,
} from '../../../src/plan/attention.ts'

const gib = 1024 ** 3
const web = {
  ...{ name: 'web', state: 'running', memoryLimit: 512 * 1024 ** 2, oomKills: 0 },
  ...{ diskBytes: 5 * gib, diskLimit: 10 * gib },
}
const lines = (seen: object) => guestAttention({ ...web, ...seen }).map(({ why, do: next }) => `${why} → ${next}`)

test('a guest without trouble, or of which nothing is known, needs nobody', () => {
  for (const seen of [{}, { diskBytes: null }, { diskLimit: null }, { oomKills: null }, { diskLimit: 0, diskBytes: 0 }])
    assert.deepEqual(lines(seen), [])
})

test('a disk: from 90 percent on, and called full before it says 100', () => {
  assert.deepEqual(lines({ diskBytes: 9 * gib - 1 }), [])
  assert.deepEqual(lines({ diskBytes: 9 * gib }), ['its disk is 90% full: 9G of 10G → croft set web disk=15G'])
  assert.deepEqual(lines({ diskBytes: 9.95 * gib }), ['its disk is full: 9.9G of 10G → croft set web disk=15G'])
  assert.deepEqual(lines({ diskBytes: 11 * gib }), ['its disk is full: 11G of 10G → croft set web disk=15G'])
})

test('kills for want of memory, with more of it or a look into the logs', () => {
  assert.deepEqual(lines({ oomKills: 1 }), [
    '1 process was killed for want of memory since its start, it may use 512M → croft set web memory=768M',
  ])
  assert.deepEqual(lines({ oomKills: 3, memoryLimit: null }), [
    '3 processes were killed for want of memory since its start → croft logs web',
  ])
})

test('a guest that failed, or waits, says why; all its troubles are told', () => {
  assert.deepEqual(lines({ state: 'failed', reason: 'web failed 5 times in a row: its init ended' }), [
    'web failed 5 times in a row: its init ended → croft logs web --console; croft start web',
  ])
  assert.deepEqual(lines({ state: 'waits', reason: undefined }), ['waits → croft show web'])
  assert.equal(lines({ state: 'waits', diskBytes: 10 * gib, oomKills: 2 }).length, 3)
})

test('a pool: away, filling, or with a warning of its own', () => {
  const pool: PoolSeen = { name: 'default', mounted: true, totalBytes: 100 * gib, freeBytes: 50 * gib }
  const why = (seen: Partial<PoolSeen>) => poolAttention({ ...pool, ...seen }).map((each) => each.why)
  assert.deepEqual(why({}), [])
  assert.deepEqual(why({ freeBytes: 15 * gib }), ['it is 85% full: 15G of 100G left'])
  assert.deepEqual(why({ freeBytes: 0 }), ['it is 99% full: 0 of 100G left'])
  const held = 'what guests have overwritten or deleted since'
  assert.deepEqual(why({ freeBytes: 0, snapshots: { count: 0, bytes: 0 } }), ['it is 99% full: 0 of 100G left'])
  assert.deepEqual(why({ freeBytes: 0, snapshots: { count: 1, bytes: 0 } }), [
    `it is 99% full: 0 of 100G left; 1 snapshot holds ${held}`,
  ])
  const [told] = poolAttention({ ...pool, freeBytes: 0, snapshots: { count: 7, bytes: 12 * gib } })
  assert.equal(told?.why, `it is 99% full: 0 of 100G left; 7 snapshots hold at least 12G of ${held}`)
  assert.equal(told?.do, 'croft snapshot ls')
  assert.deepEqual(why({ mounted: false, totalBytes: null, freeBytes: null }), ['it is away: not mounted'])
  assert.deepEqual(why({ mounted: false, reason: 'it is gone' }), ['it is away: it is gone'])
  assert.deepEqual(why({ warning: 'may grow' }), ['may grow'])
  assert.deepEqual(why({ totalBytes: null }), [])
})

test('a host that waits for memory', () => {
  const calm = { some10: 0, some60: 0, someSeconds: 0, full10: 0, full60: 0, fullSeconds: 0 }
  assert.deepEqual(hostAttention('ash', null), [])
  assert.deepEqual(hostAttention('ash', { cpu: { ...calm, some60: 99 }, memory: calm, io: calm }), [])
  const [line] = hostAttention('ash', { cpu: calm, memory: { ...calm, some60: 31.4 }, io: calm })
  assert.match(line?.why ?? '', /31% of the last minute/)
})

test('amounts: exact to type, rough to read', () => {
  assert.deepEqual([0, 1024, 1536, 3 * gib, 1.5 * gib].map(sizeText), ['0', '1K', '1536', '3G', '1536M'])
  assert.deepEqual([0, 1023, 1536, 99.99 * gib, 2000 * gib].map(roughSize), ['0', '1023', '1.5K', '100G', '2T'])
})

test('a route that is red: what visitors are answered goes first, the others are named', () => {
  const red = (check: string, mend?: string) => ({
    check,
    verdict: 'red' as const,
    evidence: '503',
    ...(mend && { mend }),
  })
  const told = (...findings: ReturnType<typeof red>[]) =>
    checkAttention({ route: 'shop.meadow.coop', findings }).map(({ why, do: next }) => `${why} → ${next}`)
  assert.deepEqual(told(), [])
  assert.deepEqual(told(red('http', 'croft start web')), ['http: 503 → croft start web'])
  assert.deepEqual(told(red('dns'), red('tls'), red('http')), [
    'http: 503 (and dns, tls) → croft check shop.meadow.coop',
  ])
  for (const route of ['shop.example.org', 'a.b.test/api', 'localhost', 'web.farm.internal', '*.example']) {
    assert.deepEqual(checkAttention({ route, findings: [red('dns')] }), [], route)
    assert.equal(checkAttention({ route, findings: [red('dns'), red('http')] })[0]?.why, 'http: 503')
  }
  for (const route of ['contest', 'myexample.org', 'shop.org', ':5432'])
    assert.equal(checkAttention({ route, findings: [red('dns')] }).length, 1, route)
})

test('a replica that is late, or never became whole, with its reason; others are no news', () => {
  const replica: Replica = {
    ...{ guest: 'web', number: 1, from: 'ash', host: 'birch', everyMs: 300_000, state: 'ready' },
    ...{ at: null, lagMs: 1_200_000, sentBytes: null, tookMs: null, created: '', by: 'root' },
  }
  assert.deepEqual(replicaAttention(replica), [])
  assert.deepEqual(replicaAttention({ ...replica, state: 'copying', lagMs: null }), [])
  const [late] = replicaAttention({ ...replica, state: 'late', reason: 'host birch is away' })
  assert.equal(late?.why, 'its replica on birch is 20 min old, made every 5 min: host birch is away')
  const [broken] = replicaAttention({ ...replica, state: 'copying', lagMs: null, reason: 'the pool is full' })
  assert.deepEqual(broken, {
    ...{ what: 'web', why: 'its replica on birch is not whole yet: the pool is full', do: 'croft replica ls web' },
  })
})

test('a drained host is told, with who is there and how they go', () => {
  assert.deepEqual(drainedAttention('birch', 2), {
    ...{ what: 'host birch', why: 'it is drained: no new guests come to it, 2 are there' },
    do: 'croft host drain birch --move · croft host undrain birch',
  })
  assert.equal(drainedAttention('birch', 0).do, 'croft host undrain birch')
})
