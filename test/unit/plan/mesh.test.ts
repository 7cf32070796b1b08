import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { checkWish } from '../../../src/drivers/mesh/check.ts'
import type { MeshWish } from '../../../src/drivers/mesh/driver.ts'
import { ipv4Of, ipv6Of, isUsableNumber, meshAddressesOf } from '../../../src/plan/addresses.ts'
import { contains, parseRange } from '../../../src/plan/firewall/ranges.ts'
import { type MeshInput, planMesh } from '../../../src/plan/mesh.ts'

const farm = { prefix4: '10.100.0.0/16', prefix6: 'fd12:3456:789a:1::/64' }
const key = (name: string) => `${Buffer.from(name.padEnd(32, '.')).toString('base64')}`
const host = (name: string, number: number) => ({
  ...{ name, number },
  mesh: { kind: 'wireguard' as const, publicKey: key(name), endpoint: `192.0.2.${number}:51820` },
})
const plain = { self: 'ash', kind: 'wireguard' as const, wireMtu: 1500, farm }
const ash = host('ash', 1)
const birch = host('birch', 2)

test('a block is one network, and a guest that moved an exception', () => {
  const guests = [
    { number: 7, host: 'birch' },
    { number: 300, host: 'ash' },
    { number: 301, host: 'birch' },
  ]
  const wish = planMesh({ ...plain, hosts: [ash, birch], blocks: { 0: 'ash', 1: 'birch' }, guests })
  assert.deepEqual(wish, {
    number: 1,
    addresses: ['10.15.0.1', 'fd12:3456:789a:1::1:1'],
    wireMtu: 1500,
    peers: [
      {
        ...{ name: 'birch', number: 2, publicKey: key('birch'), endpoint: '192.0.2.2:51820' },
        networks: [
          ...['10.15.0.2', 'fd12:3456:789a:1::1:2', '10.100.1.0/24', 'fd12:3456:789a:1::100/120'],
          ...['10.100.0.7', 'fd12:3456:789a:1::7'],
        ],
      },
    ],
    refused: ['10.100.0.0/16', 'fd12:3456:789a:1::/64', '10.100.1.44', 'fd12:3456:789a:1::12c'],
  })
})

test('who is dead, has not told how it is reached, or is on another kind of wire, is no peer', () => {
  const hosts = [
    ash,
    { ...birch, dead: '2026-01-01T00:00:00Z' },
    { name: 'cedar', number: 3 },
    { name: 'elm', number: 4, mesh: { kind: 'none' as const, publicKey: '', endpoint: '192.0.2.4:1' } },
  ]
  const blocks = { 0: 'ash', 1: 'birch', 2: 'cedar', 3: 'elm' }
  const guests = [{ number: 7, host: 'birch' }]
  assert.deepEqual(planMesh({ ...plain, hosts, blocks, guests })?.peers, [])
  assert.equal(planMesh({ ...plain, self: 'oak', hosts, blocks, guests }), undefined)
})

test('hosts have addresses of their own where the guests have 10.15', () => {
  assert.deepEqual(meshAddressesOf('10.15.0.0/16', farm.prefix6, 255), ['10.16.0.255', 'fd12:3456:789a:1::1:ff'])
})

const names = ['ash', 'birch', 'cedar', 'elm']
const hostName = fc.constantFrom(...names)
const farms = fc.record({
  blocks: fc.dictionary(fc.integer({ min: 0, max: 255 }).map(String), hostName, { maxKeys: 12 }),
  guests: fc.uniqueArray(
    fc.record({ number: fc.integer({ min: 1, max: 65_534 }).filter(isUsableNumber), host: hostName }),
    { selector: ({ number }) => number, maxLength: 12 },
  ),
})
const wishes = (given: Pick<MeshInput, 'blocks' | 'guests'>): Map<string, MeshWish> => {
  const hosts = names.map((name, index) => host(name, index + 1))
  return new Map(names.map((self) => [self, planMesh({ ...plain, self, hosts, ...given }) as MeshWish]))
}

const known = new Map<string, ReturnType<typeof parseRange>>()
const rangeOf = (text: string) => {
  if (!known.has(text)) known.set(text, parseRange(text))
  return known.get(text)
}

/** The most exact network that holds the address; `refused` ones count too. */
function wayTo({ peers, refused }: MeshWish, address: string): string | undefined {
  const at = rangeOf(address)
  const all = [
    ...peers.flatMap(({ name, networks }) => networks.map((network) => ({ network, name }))),
    ...refused.map((network) => ({ network, name: 'refused' })),
  ]
  const found = all.flatMap(({ network, name }) => {
    const range = rangeOf(network)
    return at && range && contains(range, at) ? [{ name, size: range.to - range.from }] : []
  })
  return found.toSorted((a, b) => Number(a.size - b.size))[0]?.name
}

test('every host sends to where the guest lives, takes it from there alone, and sends nothing in a circle', () => {
  fc.assert(
    fc.property(farms, (given) => {
      const all = wishes(given)
      for (const [self, wish] of all) {
        checkWish('wireguard', wish)
        for (const { number, host: lives } of given.guests)
          for (const address of [ipv4Of(farm.prefix4, number), ipv6Of(farm.prefix6, number)])
            assert.equal(wayTo(wish, address), lives === self ? 'refused' : lives, `${address} on ${self}`)
      }
    }),
    { numRuns: 60 },
  )
})

test('when one guest moves nothing else changes, and its way never leads to where it was', () => {
  fc.assert(
    fc.property(farms, hostName, (given, to) => {
      const [first] = given.guests
      if (!first) return
      const moved = given.guests.map((guest) => (guest === first ? { ...guest, host: to } : guest))
      const [before, after] = [wishes(given), wishes({ ...given, guests: moved })]
      const own = [ipv4Of(farm.prefix4, first.number), ipv6Of(farm.prefix6, first.number)]
      const others = (wish: MeshWish | undefined) => ({
        ...wish,
        peers: wish?.peers.map((peer) => ({ ...peer, networks: peer.networks.filter((each) => !own.includes(each)) })),
        refused: wish?.refused.filter((each) => !own.includes(each)),
      })
      for (const name of names) assert.deepEqual(others(after.get(name)), others(before.get(name)))
    }),
    { numRuns: 60 },
  )
})
