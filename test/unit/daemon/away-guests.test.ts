import assert from 'node:assert/strict'
import { test } from 'node:test'
import { guestView } from '../../../src/daemon/records/guests.ts'

type Open = Parameters<typeof guestView>[0]
type Record = Parameters<typeof guestView>[1]

test('a guest is away with its host, and keeps the last that was told of it', () => {
  const farm = { prefix4: '10.100.0.0/16', prefix6: 'fd12:3456::/64' }
  const others = { own: 'ash', isAlive: (host: string) => host === 'birch' }
  const open = { parts: { farm }, loop: { phase: () => undefined }, others } as unknown as Open
  const status = { state: 'running', generation: 1, since: '2026-01-02T03:00:00Z' } as const
  const seen = (host: string, of = open) =>
    guestView(of, { key: '', revision: 1, value: { host, number: 1 } } as unknown as Record, status)
  assert.deepEqual(
    ['ash', 'birch', 'cedar'].map((host) => seen(host).away),
    [undefined, undefined, true],
  )
  assert.deepEqual(seen('cedar').status, status)
  assert.equal(seen('ash', { parts: open.parts, loop: open.loop }).away, undefined)
})
