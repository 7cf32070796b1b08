import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type BalanceGuest, proposeMoves } from '../../../src/plan/balance.ts'
import type { PlacementHost } from '../../../src/plan/placement.ts'

const gib = 1024 ** 3

function host(name: string, promisedGib: number, change: Partial<PlacementHost> = {}): PlacementHost {
  return {
    ...{ name, state: 'up', tags: [], cpus: 4, load: 0, templates: new Set<string>() },
    memory: { totalBytes: 16 * gib, freeBytes: 16 * gib, promisedBytes: promisedGib * gib, mostBytes: 16 * gib },
    pools: { default: { totalBytes: 100 * gib, freeBytes: 90 * gib, promisedBytes: 0 } },
    ...change,
  }
}
const guest = (name: string, on: string, memoryGib: number, more: Partial<BalanceGuest> = {}): BalanceGuest => ({
  ...{ name, host: on, ask: { memoryBytes: memoryGib * gib, diskBytes: gib, pool: 'default' } },
  ...more,
})
const four = (on: string) => ['a', 'b', 'c', 'd'].map((name) => guest(name, on, 3))

test('a full host beside an empty one gives until both are alike', () => {
  const proposals = proposeMoves([host('ash', 12), host('birch', 0)], four('ash'))
  assert.deepEqual(
    proposals.map(({ guest: name, from, to }) => [name, from, to]),
    [
      ['a', 'ash', 'birch'],
      ['b', 'ash', 'birch'],
    ],
  )
  assert.match(proposals[0]?.why ?? '', /^22\.\d points better: 13G of 16G memory left then$/)
})

test('what is alike stays; what may not be moved stays; nothing goes to who is drained', () => {
  assert.deepEqual(proposeMoves([host('ash', 6), host('birch', 6)], four('ash').slice(0, 2)), [])
  const bound = four('ash').map((each) => ({ ...each, stays: true }))
  assert.deepEqual(proposeMoves([host('ash', 12), host('birch', 0)], bound), [])
  assert.deepEqual(proposeMoves([host('ash', 12), host('birch', 0, { drained: true })], four('ash')), [])
})

test('a drained host is left, first of all', () => {
  const guests = [guest('big', 'cedar', 5), guest('small', 'ash', 1)]
  const [first] = proposeMoves([host('ash', 1, { drained: true }), host('birch', 0), host('cedar', 5)], guests)
  assert.deepEqual([first?.guest, first?.to, first?.why.startsWith('ash cannot have it')], ['small', 'birch', true])
})

test('done as it is proposed, nothing more is: no guest goes round in circles', () => {
  const sizes = fc.array(
    fc.record({ on: fc.constantFrom('ash', 'birch', 'cedar'), gib: fc.integer({ min: 1, max: 6 }) }),
    {
      maxLength: 12,
    },
  )
  fc.assert(
    fc.property(sizes, (all) => {
      let guests = all.map(({ on, gib: size }, at) => guest(`g${at}`, on, size))
      const farm = () =>
        ['ash', 'birch', 'cedar'].map((name) =>
          host(
            name,
            guests.filter((each) => each.host === name).reduce((sum, { ask }) => sum + ask.memoryBytes / gib, 0),
          ),
        )
      let count = 0
      for (
        let proposals = proposeMoves(farm(), guests);
        proposals.length > 0;
        proposals = proposeMoves(farm(), guests)
      ) {
        const to = new Map(proposals.map((each) => [each.guest, each.to]))
        guests = guests.map((each) => ({ ...each, host: to.get(each.name) ?? each.host }))
        count += 1
        assert.ok(count < 20, 'it goes on for ever')
      }
    }),
  )
})
