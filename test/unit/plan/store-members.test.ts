import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { countOfMembers, planStoreMembers, type StoreHost, type StoreMember } from '../../../src/plan/store-members.ts'

const names = ['ash', 'birch', 'cedar', 'dogwood', 'elm', 'fir', 'gum']
const host = (name: string, more: Partial<StoreHost> = {}): StoreHost => ({
  ...{
    name,
    number: names.indexOf(name) + 1,
    reachable: true,
    alive: true,
    dead: false,
    witness: false,
    lost: false,
    leaving: false,
  },
  ...more,
})
const member = (name: string, more: Partial<StoreMember> = {}): StoreMember => ({
  ...{ id: `id-${name}`, host: name, learner: false, answers: true, leads: name === 'ash' },
  ...more,
})
const hosts = (count: number): StoreHost[] => names.slice(0, count).map((name) => host(name))

test('one host or two have one member, three have three, five and more have five', () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6, 7].map((count) => countOfMembers(hosts(count))),
    [1, 1, 3, 3, 5, 5, 5],
  )
  assert.equal(planStoreMembers(hosts(2), [member('ash')]), undefined)
  assert.deepEqual(planStoreMembers(hosts(3), [member('ash')]), { do: 'add', host: 'birch' })
})

test('a witness carries one before others', () => {
  const three = [host('ash'), host('birch'), host('cedar', { witness: true })]
  assert.deepEqual(planStoreMembers(three, [member('ash')]), { do: 'add', host: 'cedar' })
})

test('a host that has yet to take away what is left of its member gets none', () => {
  const four = [host('ash'), host('birch', { leaving: true }), host('cedar'), host('dogwood')]
  assert.deepEqual(planStoreMembers(four, [member('ash')]), { do: 'add', host: 'cedar' })
  assert.equal(planStoreMembers([...four.slice(0, 2), host('cedar', { leaving: true })], [member('ash')]), undefined)
})

test('who is new copies first, and votes then', () => {
  const now = [member('ash'), member('birch', { learner: true })]
  assert.deepEqual(planStoreMembers(hosts(3), now), { do: 'promote', id: 'id-birch', host: 'birch' })
})

test('who went away before it had caught up makes room', () => {
  const farm = [...hosts(2), host('cedar', { alive: false }), host('dogwood')]
  const now = [member('ash'), member('birch'), member('cedar', { learner: true, answers: false })]
  assert.deepEqual(planStoreMembers(farm, now), { do: 'remove', id: 'id-cedar', host: 'cedar' })
  assert.deepEqual(planStoreMembers(farm, now.slice(0, 2)), { do: 'add', host: 'dogwood' })
})

test('while hosts are away there are no two members, and no four', () => {
  const away = (count: number) => hosts(count).map((one, at) => (at === count - 1 ? { ...one, alive: false } : one))
  assert.equal(planStoreMembers(away(3), [member('ash')]), undefined)
  const three = ['ash', 'birch', 'cedar'].map((name) => member(name))
  assert.equal(planStoreMembers(away(5), three), undefined)
  assert.deepEqual(planStoreMembers(hosts(5), three), { do: 'add', host: 'dogwood' })
  assert.deepEqual(planStoreMembers(away(5), [...three, member('dogwood'), member('elm')]), undefined)
})

test('a member of a dead host, of no host, or without its data is replaced while a majority is left', () => {
  const all = [member('ash'), member('birch'), member('cedar', { answers: false })]
  assert.equal(planStoreMembers(hosts(3), all), undefined)
  for (const gone of [host('cedar', { dead: true, alive: false }), host('cedar', { lost: true })]) {
    const four = [...hosts(2), gone, host('dogwood')]
    assert.deepEqual(planStoreMembers(four, all), { do: 'remove', id: 'id-cedar', host: 'cedar' })
  }
  assert.deepEqual(planStoreMembers(hosts(2), all), { do: 'remove', id: 'id-cedar', host: 'cedar' })
  const few = [member('ash'), member('birch', { answers: false }), member('cedar', { answers: false })]
  assert.equal(planStoreMembers([...hosts(2), host('cedar', { dead: true })], few), undefined)
})

test('from any farm, step after step ends with as many as are wanted, and never without a majority', () => {
  const anyHost = fc.record({ alive: fc.boolean(), dead: fc.boolean(), witness: fc.boolean(), lost: fc.boolean() })
  const anyFarm = fc.array(anyHost, { minLength: 1, maxLength: 7 })
  fc.assert(
    fc.property(anyFarm, fc.integer({ min: 1, max: 7 }), (each, count) => {
      let farm = each.map((more, at) => host(names[at] ?? '', { ...more, alive: more.alive && !more.dead }))
      let now = farm.slice(0, count).map(({ name, alive, lost }) => member(name, { answers: alive && !lost }))
      for (let step = 0; step < 40; step++) {
        const answering = now.filter(({ answers, learner }) => answers && !learner).length
        const voting = now.filter(({ learner }) => !learner).length
        if (answering <= voting / 2) return
        const next = planStoreMembers(farm, now)
        if (!next) {
          assert.ok(now.every(({ learner }) => !learner))
          const free = farm.filter(({ alive, dead, name }) => alive && !dead && !now.some((one) => one.host === name))
          const [wanted, most] = [countOfMembers(farm), now.length + free.length]
          assert.ok(now.length >= wanted || now.length >= most - 1 + (most % 2), `${now.length} of ${wanted}`)
          return
        }
        if (next.do === 'add') {
          now = [...now, member(next.host, { learner: true, leads: false })]
          farm = farm.map((one) => (one.name === next.host ? { ...one, lost: false } : one))
        } else if (next.do === 'promote')
          now = now.map((one) => (one.id === next.id ? { ...one, learner: false } : one))
        else {
          now = now.filter(({ id }) => id !== next.id)
          const left = now.filter(({ answers, learner }) => answers && !learner).length
          assert.ok(left > now.filter(({ learner }) => !learner).length / 2, 'a majority is left')
        }
      }
      assert.fail('it does not come to rest')
    }),
    { numRuns: 500 },
  )
})
