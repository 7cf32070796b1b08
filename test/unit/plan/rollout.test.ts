/** Rollouts, step by step and at random: nobody is left without the instances that served, and each one comes to an end. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RolloutStep } from '../../../src/api/site.ts'
import { type MemberSight, nextAction, type RolloutAction, type RolloutSight } from '../../../src/plan/rollout.ts'

interface World extends Omit<RolloutSight, 'members' | 'step' | 'before' | 'now' | 'since' | 'new' | 'cancelled'> {
  members: MemberSight[]
  step: RolloutStep
  before: RolloutSight['before']
  now: number
  since: number
  new: string[]
  cancelled: boolean
  next: number
  end?: string
  reason?: string
}

const old = (slot: number, more: Partial<MemberSight> = {}): MemberSight => ({
  ...{ name: `old${slot}`, slot, state: 'ready', since: 0, guest: 'running', health: { good: true }, open: 0 },
  ...more,
})
const world = (more: Partial<World>): World => ({
  ...{ step: 'start', since: 0, now: 0, cancelled: false, count: 1, waves: [], before: 'none', next: 1 },
  ...{ old: [], new: [], members: [], jobs: {}, withinMs: 60_000, drainMs: 30_000 },
  ...more,
})

/** What the daemon does for an action; `wait` is the business of the test. */
function act(w: World, action: RolloutAction): void {
  const states = { register: 'ready', restore: 'ready', drain: 'draining' } as const
  if (action.do === 'create') {
    const name = `new${w.next++}`
    w.members.push({ name, slot: action.slot, state: 'starting', since: w.now, guest: 'coming' })
    w.new.push(name)
  }
  if (action.do === 'before') w.before = 'done'
  if (action.do === 'remove') w.members = w.members.filter(({ name }) => !action.members.includes(name))
  if (action.do === 'register' || action.do === 'restore' || action.do === 'drain') {
    const state = states[action.do]
    w.members = w.members.map((one) => (action.members.includes(one.name) ? { ...one, state, since: w.now } : one))
  }
  if (action.do === 'finish') w.end = action.state
  if (action.do === 'fail') w.reason = action.reason
  if (action.do === 'register' || action.do === 'fail' || action.do === 'go') {
    w.step = action.do === 'go' ? action.step : action.do === 'fail' ? 'return' : 'register'
    w.since = w.now
  }
}

const told = (action: RolloutAction): string =>
  Object.values(action)
    .map((value) => (Array.isArray(value) ? value.join('+') : String(value)))
    .join(' ')

/** Everything that is asked goes well, unless `meet` says otherwise. */
function walk(w: World, meet: (w: World, action: RolloutAction) => void = () => {}): string[] {
  const lines: string[] = []
  for (let count = 0; w.end === undefined; count++) {
    assert.ok(count < 200, `it does not end:\n${lines.join('\n')}`)
    const action = nextAction(w)
    if (action.do !== 'go') lines.push(told(action))
    act(w, action)
    if (action.do === 'wait') {
      w.now += action.forMs
      w.members = w.members.map((one) =>
        w.new.includes(one.name) && one.guest === 'coming' ? { ...one, guest: 'running', health: { good: true } } : one,
      )
    }
    meet(w, action)
  }
  return lines
}

test('new ones beside the old: made, asked, registered; the old ones finish, and go', () => {
  const w = world({ count: 2, before: 'wanted', old: ['old1', 'old2'], members: [old(1), old(2)] })
  assert.deepEqual(walk(w), [
    ...['create 1', 'create 2', 'wait 300000', 'before new1', 'register new1+new2'],
    ...['drain old1+old2', 'remove old1+old2', 'finish done'],
  ])
})

test('waves: each replaces so many, and nothing goes before the last one has passed', () => {
  const four = [1, 2, 3, 4]
  const w = world({
    ...{ count: 4, waves: [1, 2], before: 'wanted' },
    ...{ old: four.map((slot) => `old${slot}`), members: four.map((slot) => old(slot)) },
  })
  assert.deepEqual(walk(w), [
    ...['create 1', 'wait 300000', 'before new1', 'register new1', 'drain old1'],
    ...['create 2', 'create 3', 'wait 300000', 'register new2+new3', 'drain old2+old3'],
    ...['create 4', 'wait 300000', 'register new4', 'drain old4'],
    ...['remove old1+old2+old3+old4', 'finish done'],
  ])
})

test('held after each wave, the last too; who does not stay well takes all back', () => {
  const two = {
    ...{ count: 2, waves: [1], holdMs: 8000 },
    old: ['old1', 'old2'],
  }
  const members = () => [old(1), old(2)]
  assert.deepEqual(walk(world({ ...two, members: members() })), [
    ...['create 1', 'wait 300000', 'register new1', 'drain old1', 'wait 5000', 'wait 3000'],
    ...['create 2', 'wait 300000', 'register new2', 'drain old2', 'wait 5000', 'wait 3000'],
    ...['remove old1+old2', 'finish done'],
  ])
  for (const [change, why] of [
    [{ health: { good: false, why: '500' } }, 'new1 did not stay healthy: 500'],
    [{ guest: 'coming' }, 'new1 did not stay healthy: its guest does not run'],
    [{ guest: 'failed', why: 'gone mad' }, 'new1 failed: gone mad'],
  ] as const) {
    const w = world({ ...two, members: members() })
    const lines = walk(w, (now, action) => {
      if (action.do === 'wait' && now.step === 'drain')
        now.members = now.members.map((one) => (one.name === 'new1' ? { ...one, ...change } : one))
    })
    assert.equal(w.reason, why)
    assert.deepEqual(lines.slice(-5), ['restore old1', 'drain new1', 'wait 30000', 'remove new1', 'finish failed'])
  }
})

test('places come in the order that is said', () => {
  const w = world({ count: 3, waves: [1], order: [3, 1, 2], old: ['old3'], members: [old(3)] })
  assert.deepEqual(
    walk(w).filter((line) => line.startsWith('create')),
    ['create 3', 'create 1', 'create 2'],
  )
})

test('more and fewer of the same: who stays is not touched', () => {
  const up = world({ count: 3, members: [old(1)] })
  assert.deepEqual(walk(up), ['create 2', 'create 3', 'wait 300000', 'register new1+new2', 'finish done'])
  const down = world({ count: 1, old: ['old2', 'old3'], members: [old(1), old(2), old(3)] })
  assert.deepEqual(walk(down), ['register ', 'drain old2+old3', 'remove old2+old3', 'finish done'])
})

test('what is open is finished, for a time: websockets have no end of their own', () => {
  const w = world({ count: 1, old: ['old1'], members: [old(1, { open: 3 })] })
  assert.deepEqual(walk(w).slice(-4), ['drain old1', 'wait 30000', 'remove old1', 'finish done'])
  const unknown = world({ old: ['old1'], members: [old(1)], step: 'drain', count: 0, drainMs: 5 })
  unknown.members = [old(1, { state: 'draining' })].map(({ open: _, ...rest }) => rest)
  assert.deepEqual(nextAction(unknown), { do: 'wait', forMs: 5 })
})

const red: readonly (readonly [string, Partial<MemberSight>, RegExp])[] = [
  ['never answers', { health: { good: false, why: 'GET /up: connection refused' } }, /new1 is not healthy: GET \/up/],
  ['is never asked', { guest: 'running' }, /new1 is not healthy: nothing was heard/],
  ['does not start', { guest: 'failed', why: 'no such file' }, /new1 failed: no such file/],
  ['is taken away', { guest: 'gone' }, /new1 failed: it is gone/],
]
for (const [what, more, reason] of red)
  test(`one that ${what}: the old serve on, the new are removed`, () => {
    const w = world({ count: 1, old: ['old1'], members: [old(1)] })
    const lines = walk(w, (now) => {
      now.members = now.members.map((one) => {
        const { health: _, ...rest } = one
        return one.name === 'new1' && one.guest !== 'coming' ? { ...rest, ...more } : one
      })
    })
    assert.match(w.reason ?? '', reason)
    assert.deepEqual(lines.slice(-2), ['remove new1', 'finish failed'])
    assert.deepEqual(w.members, [old(1)])
  })

test('one that never runs is waited for five minutes', () => {
  const w = world({ count: 1 })
  const lines = walk(w, (now) => {
    now.members = now.members.map(({ health: _, ...one }) => ({ ...one, guest: 'coming' }))
  })
  assert.deepEqual(lines.slice(1), [
    'wait 300000',
    'fail new1 did not start in 300 s new1',
    'remove new1',
    'finish failed',
  ])
})

test('a red third wave, or a cancel, takes all back: the old ones of finished waves are asked again first', () => {
  const four = [1, 2, 3, 4]
  for (const how of ['red', 'cancel'] as const) {
    const w = world({
      ...{ count: 4, waves: [1, 2] },
      ...{ old: four.map((slot) => `old${slot}`), members: four.map((slot) => old(slot)) },
    })
    const lines = walk(w, (now) => {
      if (!now.new.includes('new4')) return
      if (how === 'cancel') now.cancelled = true
      now.members = now.members.map((one) =>
        one.name === 'new4' && one.guest === 'running' ? { ...one, health: { good: false, why: '500' } } : one,
      )
    })
    assert.deepEqual(lines.slice(-5), [
      'restore old1+old2+old3',
      'drain new1+new2+new3',
      'wait 30000',
      'remove new1+new2+new3+new4',
      how === 'red' ? 'finish failed' : 'finish cancelled',
    ])
    assert.deepEqual(
      w.members.map(({ name, state }) => `${name} ${state}`),
      four.map((slot) => `old${slot} ready`),
    )
  }
})

test('at random: never fewer asked than before, nobody asked who was not seen healthy, and each one ends', () => {
  const ends = new Set<string>()
  for (let seed = 1; seed <= 3000; seed++) {
    const chance = randomFrom(seed)
    const pick = (most: number) => Math.floor(chance() * (most + 1))
    const [had, kept, count] = [pick(4), pick(2), 1 + pick(4)]
    const members = Array.from({ length: had }, (_, at) => old(at + 1, { open: pick(2) }))
    // Whoever stays has a place that will be there.
    const goes = members.filter(({ slot }) => slot > count || slot > kept)
    const w = world({
      ...{ count, members: [...members], waves: Array.from({ length: pick(3) }, () => 1 + pick(2)) },
      ...{ old: goes.map(({ name }) => name), before: chance() < 0.5 ? 'wanted' : 'none' },
    })
    const least = Math.min(had, count)
    const lines: string[] = []
    for (let turns = 0; w.end === undefined; turns++) {
      assert.ok(turns < 400, `seed ${seed} does not end:\n${lines.join('\n')}`)
      const action = nextAction(w)
      lines.push(told(action))
      const where = () => `seed ${seed}:\n${lines.join('\n')}`
      if (action.do === 'register')
        for (const name of action.members)
          assert.ok(w.members.find((one) => one.name === name)?.health?.good, `${name} unseen, ${where()}`)
      // A daemon that dies before or behind an action looks at what is there, and goes on.
      if (chance() < 0.2) continue
      act(w, action)
      if (action.do === 'wait') w.now += 1 + pick(action.forMs)
      if (w.step !== 'retire' && chance() < 0.02) w.cancelled = true
      w.members = w.members.map((one) => happens(one, w, chance))
      const asked = w.members.filter(({ state }) => state === 'ready').length
      assert.ok(asked >= least, `${asked} of ${least} are asked, ${where()}`)
    }
    ends.add(w.end)
    const there = w.members.map(({ name, state }) => `${name} ${state}`).sort()
    const stays = members.filter(({ name }) => w.end !== 'done' || !w.old.includes(name))
    const made = w.end === 'done' ? w.members.filter(({ name }) => w.new.includes(name)).map(({ name }) => name) : []
    assert.deepEqual(there, [...stays.map(({ name }) => name), ...made].map((name) => `${name} ready`).sort())
    if (w.end === 'done') assert.equal(new Set(w.members.map(({ slot }) => slot)).size, count)
  }
  assert.deepEqual([...ends].sort(), ['cancelled', 'done', 'failed'])
})

/** What may become of a new one while time goes by. */
function happens(one: MemberSight, w: World, chance: () => number): MemberSight {
  const open = chance() < 0.5 ? 0 : 1
  if (!w.new.includes(one.name)) return { ...one, open }
  if (one.guest === 'coming' && chance() < 0.5) return { ...one, guest: 'running' }
  if (one.guest === 'running' && chance() < 0.02) return { ...one, guest: 'failed' }
  if (one.guest === 'running' && chance() < 0.3)
    return { ...one, open, health: chance() < 0.9 ? { good: true } : { good: false, why: 'GET / answered 500' } }
  return { ...one, open }
}

/** The same numbers each time. */
function randomFrom(seed: number): () => number {
  let at = seed
  return () => {
    at = (at * 1103515245 + 12345) % 2147483648
    return at / 2147483648
  }
}
