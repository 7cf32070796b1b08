import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { checkZone } from '../../../src/drivers/names/check.ts'
import { hostNameOf, nameInFarm, zoneOf } from '../../../src/plan/names.ts'

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

test('instances and sites have names that cannot meet those of guests, and a site without a ready one has none', () => {
  const guests = [
    { name: 'shop/prod/1', number: 3 },
    { name: 'shop/prod/12', number: 4 },
    { name: 'shop/build/4f9c', number: 5 },
    { name: 'shop-prod-1', number: 6 },
  ]
  const sites = [
    { name: 'shop/prod', ready: [4, 3, 99] },
    { name: 'shop/test', ready: [] },
    { name: 'blog/prod', ready: [99] },
  ]
  const zone = zoneOf({ farm, guests, sites, host })
  checkZone(zone)
  assert.deepEqual(
    zone.names.map(({ name, addresses }) => `${name} ${addresses[0]}`),
    [
      'ash 198.51.100.1',
      '1.prod.shop.site 10.100.0.3',
      '12.prod.shop.site 10.100.0.4',
      'shop-prod-1 10.100.0.6',
      'prod.shop.site 10.100.0.4',
    ],
  )
  assert.equal(zone.names.at(-1)?.addresses.length, 4, 'not of one that is gone')
})

test('different names stay different in the farm, whatever they are', () => {
  const label = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}[a-z0-9]$/)
  const name = fc.oneof(
    label,
    fc.tuple(label, label).map((parts) => parts.join('/')),
    fc.tuple(label, label, fc.nat()).map((parts) => parts.join('/')),
  )
  fc.assert(fc.property(name, name, (a, b) => a === b || nameInFarm(a) !== nameInFarm(b)))
})

test('what a guest calls itself is one label of at most 63 letters', () => {
  assert.equal(hostNameOf('web'), 'web')
  assert.equal(hostNameOf('shop/prod/12'), 'shop-prod-12')
  const long = `${'a'.repeat(32)}/${'b'.repeat(32)}`
  assert.match(hostNameOf(`${long}/123456789`), /^a{32}-b{20}-123456789$/)
  assert.match(hostNameOf(`shop/build/${'c'.repeat(40)}`), /^shop-build-c{40}$/)
})
