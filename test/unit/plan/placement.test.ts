import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type PlacementAsk, type PlacementHost, place, whyNot } from '../../../src/plan/placement.ts'

const gib = 1024 ** 3
const ask: PlacementAsk = { memoryBytes: gib, diskBytes: 10 * gib, pool: 'default', template: 't1' }

function host(name: string, change: Partial<PlacementHost> = {}): PlacementHost {
  const memory = { totalBytes: 16 * gib, freeBytes: 16 * gib, promisedBytes: 0, mostBytes: 15 * gib }
  const disk = { totalBytes: 100 * gib, freeBytes: 90 * gib, promisedBytes: 0 }
  return {
    ...{ name, state: 'up', tags: [], cpus: 4, load: 0, memory, pools: { default: disk } },
    templates: new Set(['t1']),
    ...change,
  }
}
const promised = (bytes: number): PlacementHost['memory'] => ({ ...host('x').memory, promisedBytes: bytes })
const chosen = (hosts: readonly PlacementHost[], asked: PlacementAsk = ask) =>
  place(hosts, asked, 1).candidates[0]?.host

function hostOf<T extends { readonly name: string }>(hosts: readonly T[], name: string): T {
  const found = hosts.find((each) => each.name === name)
  assert.ok(found)
  return found
}

const anyHost = fc.record({
  name: fc.string({ minLength: 1, maxLength: 4 }),
  state: fc.constantFrom('up', 'up', 'up', 'away', 'unknown', 'dead'),
  drained: fc.boolean(),
  tags: fc.subarray(['ssd', 'big']),
  cpus: fc.integer({ min: 0, max: 64 }),
  load: fc.double({ min: 0, max: 100, noNaN: true }),
  memory: fc.record({
    totalBytes: fc.integer({ min: 0, max: 64 * gib }),
    freeBytes: fc.integer({ min: 0, max: 64 * gib }),
    promisedBytes: fc.integer({ min: 0, max: 64 * gib }),
    mostBytes: fc.integer({ min: 0, max: 64 * gib }),
  }),
  pools: fc.dictionary(
    fc.constantFrom('default', 'fast'),
    fc.record({
      totalBytes: fc.integer({ min: 0, max: 900 * gib }),
      freeBytes: fc.integer({ min: 0, max: 900 * gib }),
      promisedBytes: fc.integer({ min: 0, max: 900 * gib }),
    }),
  ),
  templates: fc.constantFrom(new Set<string>(), new Set(['t1'])),
})
const anyFarm = fc.uniqueArray(anyHost, { selector: ({ name }) => name, maxLength: 12 })
const anyAsk = fc.record(
  {
    memoryBytes: fc.integer({ min: 0, max: 8 * gib }),
    diskBytes: fc.integer({ min: 0, max: 50 * gib }),
    pool: fc.constantFrom('default', 'fast'),
    template: fc.constantFrom('t1', 't2'),
    tags: fc.subarray(['ssd', 'big']),
  },
  { requiredKeys: ['memoryBytes', 'diskBytes', 'pool'] },
)

describe('laws', () => {
  test('a host is either a candidate or refused with a reason, never both', () => {
    fc.assert(
      fc.property(anyFarm, anyAsk, (hosts, asked) => {
        const { candidates, refused } = place(hosts, asked)
        const names = [...candidates, ...refused].map(({ host: name }) => name)
        assert.deepEqual(names.sort(), hosts.map(({ name }) => name).sort())
        for (const { host: name, why } of refused) assert.equal(why, whyNot(hostOf(hosts, name), asked))
      }),
    )
  })

  test('who is chosen is up, not drained, and has room and all tags', () => {
    fc.assert(
      fc.property(anyFarm, anyAsk, (hosts, asked) => {
        for (const { host: name } of place(hosts, asked).candidates) {
          const one = hostOf(hosts, name)
          assert.equal(one.state, 'up')
          assert.equal(one.drained, false)
          assert.ok(one.memory.promisedBytes + asked.memoryBytes <= one.memory.mostBytes)
          assert.ok((asked.tags ?? []).every((tag) => one.tags.includes(tag)))
        }
      }),
    )
  })

  test('the order in which hosts are told changes nothing; the best few are the first of all', () => {
    fc.assert(
      fc.property(anyFarm, anyAsk, fc.integer({ min: 1, max: 4 }), (hosts, asked, most) => {
        const all = place(hosts, asked)
        assert.deepEqual(place(hosts.toReversed(), asked).candidates, all.candidates)
        assert.deepEqual(place(hosts, asked, most).candidates, all.candidates.slice(0, most))
      }),
    )
  })

  test('the points shown add up to the points that decide', () => {
    fc.assert(
      fc.property(anyFarm, anyAsk, (hosts, asked) => {
        for (const { points, reasons } of place(hosts, asked).candidates) {
          const sum = reasons.reduce((whole, reason) => whole + Math.round(reason.points * 10), 0)
          assert.equal(sum / 10, points)
        }
      }),
    )
  })

  test('what is promised in turn never passes what a host may promise', () => {
    fc.assert(
      fc.property(anyFarm, fc.array(anyAsk, { maxLength: 40 }), (farm, asks) => {
        let hosts = farm
        for (const asked of asks) {
          const name = chosen(hosts, asked)
          hosts = hosts.map((each) =>
            each.name === name
              ? { ...each, memory: { ...each.memory, promisedBytes: each.memory.promisedBytes + asked.memoryBytes } }
              : each,
          )
        }
        for (const [at, { memory }] of hosts.entries())
          if (memory.promisedBytes !== farm[at]?.memory.promisedBytes)
            assert.ok(memory.promisedBytes <= memory.mostBytes)
      }),
    )
  })

  test('instances of a site are spread: no host has two more than another that could take one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 30 }), (many, count) => {
        const hosts = Array.from({ length: many }, (_, at) =>
          host(`h${at}`, { load: at / 2, memory: promised(at * gib) }),
        )
        const instances: Record<string, number> = {}
        for (let made = 0; made < count; made++) {
          const name = chosen(hosts, { ...ask, instances }) ?? ''
          instances[name] = (instances[name] ?? 0) + 1
        }
        const each = hosts.map(({ name }) => instances[name] ?? 0)
        assert.ok(Math.max(...each) - Math.min(...each) <= 1)
      }),
    )
  })
})

describe('what decides', () => {
  test('memory that is not promised, disk that is free, processors that idle', () => {
    assert.equal(chosen([host('a', { memory: promised(8 * gib) }), host('b')]), 'b')
    const nearlyFull = { default: { totalBytes: 100 * gib, freeBytes: 20 * gib, promisedBytes: 0 } }
    assert.equal(chosen([host('a', { pools: nearlyFull }), host('b')]), 'b')
    assert.equal(chosen([host('a', { load: 4 }), host('b', { load: 1 })]), 'b')
  })
  test('a template that is there already', () => {
    assert.equal(chosen([host('a', { templates: new Set() }), host('b', { load: 0.5 })]), 'b')
  })
  test('the same points: the name', () => {
    assert.equal(chosen([host('b'), host('a')]), 'a')
  })
  test('near outweighs what a host offers, away outweighs near', () => {
    const busy = host('a', { load: 4, memory: promised(14 * gib) })
    assert.equal(chosen([busy, host('b')], { ...ask, near: { a: ['db'] } }), 'a')
    assert.equal(chosen([busy, host('b')], { ...ask, near: { a: ['db'] }, away: { a: ['web2'] } }), 'b')
  })
  test('what cannot be had is only wished for: away on the one host there is', () => {
    assert.equal(chosen([host('a')], { ...ask, away: { a: ['web2'] } }), 'a')
  })
  test('the host that is named, and nobody else', () => {
    assert.equal(chosen([host('a'), host('b', { load: 4 })], { ...ask, host: 'b' }), 'b')
    assert.deepEqual(place([host('a'), host('b', { drained: true })], { ...ask, host: 'b' }), {
      candidates: [],
      refused: [{ host: 'b', why: 'it is drained' }],
    })
  })
})

describe('what is said', () => {
  test('why the chosen one', () => {
    const [best] = place([host('ash', { load: 1 })], { ...ask, near: { ash: ['db'] } }).candidates
    assert.deepEqual(best, {
      host: 'ash',
      points: 189.1,
      reasons: [
        { points: 37.3, why: '14G of 15G memory left then' },
        { points: 18, why: '90G of 100G disk free' },
        { points: 18.8, why: 'load 1.0 of 4 processors' },
        { points: 15, why: 'the template is there' },
        { points: 100, why: 'near db' },
      ],
    })
  })
  test('why not, host by host', () => {
    const refused = (change: Partial<PlacementHost>, asked: Partial<PlacementAsk> = {}) =>
      whyNot(host('ash', change), { ...ask, ...asked })
    assert.equal(refused({}), undefined)
    assert.equal(refused({ state: 'dead' }), 'it was declared dead')
    assert.equal(refused({ state: 'away' }), 'it is away')
    assert.equal(refused({ state: 'unknown' }), 'it has not said yet what it can take')
    assert.equal(refused({ witness: true }), 'it votes, and runs nothing')
    assert.equal(refused({ drained: true }), 'it is drained')
    assert.equal(refused({}, { tags: ['ssd'] }), 'it has no tag ssd')
    assert.equal(refused({}, { pool: 'fast' }), 'it has no pool fast')
    assert.equal(refused({ memory: promised(14.5 * gib) }), '1G of memory do not fit: 512M of 15G not promised')
    const network: Partial<PlacementAsk> = { needs: ['vlans'], uplinks: ['eth1'] }
    const knows = { version: '0.2.0', abilities: ['carry', 'vlans'] }
    assert.equal(
      refused({ version: '0.1.0', abilities: ['carry'], uplinks: ['eth1'] }, network),
      'its croft 0.1.0 cannot do this yet: gives guests addresses of networks on VLANs',
    )
    assert.match(refused({ uplinks: ['eth1'] }, network) ?? '', /^its croft of an older kind cannot/)
    assert.equal(refused(knows, network), 'it has not said yet which devices it has')
    assert.equal(refused({ ...knows, uplinks: ['eth0'] }, network), 'it has no uplink eth1')
    assert.equal(
      refused({ ...knows, uplinks: ['eth0', 'eth1'], untagged: 'its kernel has no 802.1q' }, network),
      'it can make no VLAN device: its kernel has no 802.1q',
    )
    assert.equal(refused({ ...knows, uplinks: ['eth0', 'eth1'] }, network), undefined)
    const pool = { totalBytes: 100 * gib, freeBytes: 90 * gib, promisedBytes: 95 * gib, mostBytes: 100 * gib }
    assert.equal(
      refused({ pools: { default: pool } }),
      '10G of disk do not fit: 5G of 100G not promised in pool default',
    )
    const full = { totalBytes: 100 * gib, freeBytes: 4 * gib, promisedBytes: 0 }
    assert.equal(refused({ pools: { default: full } }), 'pool default is nearly full: 4G of 100G free')
  })
})
