import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseLifetime, parseListen } from '../../../src/api/values.ts'
import { systemEnv } from '../../../src/daemon/env.ts'
import { Attempts, blockOf, failuresAllowed } from '../../../src/daemon/http/attempts.ts'
import type { TokenRecord } from '../../../src/daemon/records/records.ts'
import { findTokenOf, hashOf, isExpired, makeSecret, parseSecret } from '../../../src/daemon/records/tokens.ts'
import { createMemoryStore } from '../../../src/store/memory/index.ts'

test('too many failures of one address in a minute, and of no other', () => {
  let now = 0
  const attempts = new Attempts(() => now)
  for (let count = 0; count < failuresAllowed; count++) assert.equal(attempts.failed('192.0.2.1'), false)
  assert.equal(attempts.failed('192.0.2.1'), true)
  assert.equal(attempts.failed('::ffff:192.0.2.1'), true)
  assert.equal(attempts.failed('192.0.2.2'), false)
  now = 60_000
  assert.equal(attempts.failed('192.0.2.1'), false)
})

test('a flood from everywhere fills a table of bounded size', () => {
  const attempts = new Attempts(() => 0)
  for (let count = 0; count <= failuresAllowed; count++) attempts.failed('192.0.2.1')
  for (let at = 0; at < 12_000; at++) attempts.failed(`10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`)
  assert.equal(attempts.failed('192.0.2.1'), false)
})

test('an IPv6 address counts as its /64', () => {
  assert.equal(blockOf('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64')
  assert.equal(blockOf('2001:db8::1'), '2001:db8:0:0::/64')
  assert.equal(blockOf('fe80::1%eth0'), 'fe80:0:0:0::/64')
  assert.equal(blockOf('::1'), '0:0:0:0::/64')
  assert.equal(blockOf('::ffff:203.0.113.7'), '203.0.113.7')
  assert.equal(blockOf(''), '')
})

test('times and places as people write them', () => {
  assert.deepEqual(
    ['90d', '12h', '30m', '1s', 'never', '', '0d', '-1d', '1.5d', '4000d', '9999999999d', '1w'].map(parseLifetime),
    [7_776_000_000, 43_200_000, 1_800_000, 1000, null, ...Array(7).fill(undefined)],
  )
  assert.deepEqual(parseListen(':8443'), { host: undefined, port: 8443 })
  assert.deepEqual(parseListen('[2001:db8::1]:1'), { host: '2001:db8::1', port: 1 })
  assert.deepEqual(parseListen('198.51.100.1:65535'), { host: '198.51.100.1', port: 65535 })
  for (const bad of [
    '8443',
    ':0',
    ':65536',
    '1.2.3:1',
    '[198.51.100.1]:1',
    '2001:db8::1:1',
    'ash:1',
    '[::1]',
    ':8443\n',
    '',
  ])
    assert.equal(parseListen(bad), undefined, bad)
})

test('a token is found by what it is, and by nothing near it', async () => {
  const store = createMemoryStore({ now: () => 0, id: 'x' })
  const { secret, hash } = makeSecret(systemEnv, 'my-laptop')
  const record: TokenRecord = {
    schema: 1,
    name: 'my-laptop',
    role: 'reader',
    hash,
    created: '',
    by: 'root',
    expires: '2026-01-01T00:00:00.000Z',
  }
  await store.transact([], [{ put: 'tokens/my-laptop', value: record }])
  assert.equal((await findTokenOf(store, secret))?.name, 'my-laptop')
  const random = parseSecret(secret)?.random ?? ''
  assert.equal(hashOf(random), hash)
  assert.ok(!JSON.stringify(record).includes(random))
  const near = [
    ...[
      '',
      'croft__',
      `croft_other_${random}`,
      `croft_my-laptop_${random}x`,
      `croft_my-laptop_${random.slice(1)}`,
      random,
    ],
    `croft_my-laptop_${random.replace(/^./, (letter) => (letter === 'A' ? 'B' : 'A'))}`,
    `croft_../my-laptop_${random}`,
    `croft_my-laptop_${hash}`,
  ]
  for (const text of near) assert.equal(await findTokenOf(store, text), undefined, text)
  assert.equal(isExpired(record, Date.parse('2025-12-31T23:59:59Z')), false)
  assert.equal(isExpired(record, Date.parse('2026-01-01T00:00:00Z')), true)
})
