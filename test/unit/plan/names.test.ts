import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkZone } from '../../../src/drivers/names/check.ts'
import { zoneOf } from '../../../src/plan/names.ts'

const farm = { name: 'meadow', prefix4: '10.100.0.0/16', prefix6: 'fd12:3456:789a:1::/64' }
const host = { name: 'ash', addresses: ['198.51.100.1'] }

test('guests have the addresses of their numbers, the host its own, in an order that does not change', () => {
  const guests = [
    { name: 'web', number: 258 },
    { name: 'pg', number: 7 },
  ]
  const zone = zoneOf({ farm, guests, host })
  assert.deepEqual(zone.names, [
    host,
    { name: 'pg', addresses: ['10.100.0.7', 'fd12:3456:789a:1::7'] },
    { name: 'web', addresses: ['10.100.1.2', 'fd12:3456:789a:1::102'] },
  ])
  assert.deepEqual(zoneOf({ farm, guests: guests.toReversed(), host }), zone)
  checkZone(zone)
})

test('a guest that bore the name of the host before it was reserved keeps it', () => {
  const zone = zoneOf({ farm, guests: [{ name: 'ash', number: 7 }], host })
  assert.deepEqual(zone.names, [{ name: 'ash', addresses: ['10.100.0.7', 'fd12:3456:789a:1::7'] }])
})
