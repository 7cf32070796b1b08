import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GuestSpec } from '../../../src/api/guest.ts'
import {
  describeStep,
  type HaveGuest,
  planGuest,
  type WantedGuest,
  type WantedSnapshot,
} from '../../../src/plan/guest.ts'
import { die, pass, timePasses, type World, wishNow, worldOf } from './guest-model.ts'

const spec: GuestSpec = {
  ...{ run: 'running', stop: 'graceful', restarts: 0, template: 'debian:12', pool: 'default', network: 'default' },
  root: { id: 'root-new', from: { kind: 'template', id: 'template-1', ref: 'debian:12' } },
  ...{ limits: { diskBytes: 100 }, labels: {}, autostart: true, order: 0, ports: [], rules: [], keys: [] },
}
const snapshotsOf: readonly (readonly WantedSnapshot[])[] = [
  [],
  [{ id: 'snap-1', name: 's', rootId: 'root-new', deleting: false, taken: false, lost: false }],
  [{ id: 'snap-1', name: 's', rootId: 'root-old', deleting: false, taken: false, lost: false }],
  [{ id: 'snap-1', name: 's', rootId: 'root-old', deleting: false, taken: true, lost: false }],
  [{ id: 'snap-1', name: 's', rootId: 'root-new', deleting: true, taken: true, lost: false }],
]

function* wishes(): Generator<WantedGuest> {
  for (const run of ['running', 'stopped', 'frozen'] as const)
    for (const stop of ['graceful', 'kill'] as const)
      for (const deleting of [false, true])
        for (const restarts of [0, 1])
          for (const snapshots of snapshotsOf)
            yield {
              number: 7,
              id: 'seven',
              deleting,
              spec: { ...spec, run, stop, restarts },
              definition: 'new',
              snapshots,
            }
}

function* facts(): Generator<HaveGuest> {
  for (const state of ['stopped', 'starting', 'running', 'frozen'] as const)
    for (const definition of [undefined, 'old', 'new'])
      for (const roots of [[], ['root-new'], ['root-old'], ['root-old', 'root-new']])
        for (const snapshots of [[], ['snap-1']])
          for (const rootId of [undefined, 'root-old', 'root-new'])
            for (const askedToStopMsAgo of state === 'running' ? [undefined, 0, 40_000] : [undefined])
              yield {
                ...{
                  state,
                  definition,
                  roots,
                  snapshots,
                  owner: 'seven',
                  rootId,
                  restarts: 0,
                  fromLoopback: undefined,
                  askedToStopMsAgo,
                  served: state === 'running',
                },
                diskLimit: roots.includes('root-new') ? null : undefined,
              }
}

/** What cannot be: a guest that lives from a disk that never was. */
const canBe = (have: HaveGuest) => have.state === 'stopped' || have.definition !== undefined

/** Passes until nothing is left to do, with deaths and crashes at the given moments. */
function settle(want: WantedGuest, world: World, stubborn: boolean): void {
  for (let passes = 0; passes < 12; passes++) {
    const end = pass(want, world)
    if (end === 'nothing' || end === 'lost' || world.forgotten) return
    if (end === 'waits') timePasses(world, stubborn)
  }
  assert.fail(`never settles: ${JSON.stringify({ want, have: world.have, log: world.log })}`)
}

function assertMet(want: WantedGuest, world: World, begin: HaveGuest): void {
  const about = JSON.stringify({ want, begin, have: world.have, log: world.log })
  if (want.deleting) {
    assert.ok(world.forgotten, about)
    return
  }
  const lost = begin.rootId === 'root-new' && !begin.roots.includes('root-new')
  if (lost) {
    assert.ok(!world.have.roots.includes('root-new') && !world.log.includes('cloneRoot'), about)
    return
  }
  assert.equal(world.have.state, want.spec.run, about)
  assert.equal(world.have.definition, 'new', about)
  assert.equal(world.have.diskLimit, 100, about)
  assert.deepEqual(world.have.roots, ['root-new'], about)
  if (world.have.state !== 'stopped') assert.equal(world.runsFrom, 'root-new', about)
  for (const snapshot of wishNow(want, world).snapshots) {
    const there = world.have.snapshots.includes(snapshot.id)
    assert.ok(!snapshot.deleting && (there ? snapshot.taken : snapshot.lost), about)
  }
}

const cases = [...wishes()].flatMap((want) => [...facts()].filter(canBe).map((have) => ({ want, have })))

test(`from each of ${cases.length} combinations passes reach "nothing to do"`, () => {
  for (const { want, have } of cases)
    for (const stubborn of [false, true]) {
      const world = worldOf(have, want)
      settle(want, world, stubborn)
      assertMet(want, world, have)
    }
})

test('what goes side by side may go in any order, also when the daemon dies in between', () => {
  for (const { want, have } of cases)
    for (const cut of [0, 1, 2, 3, 4, 5, 6, 7, 8, Infinity]) {
      const world = worldOf(have, want)
      pass(want, world, { cut, lastFirst: true })
      world.have = { ...world.have, askedToStopMsAgo: undefined }
      if (!world.forgotten) settle(want, world, false)
      assertMet(want, world, have)
    }
})

test('a daemon that dies after any step leaves what the next one finishes', () => {
  for (const { want, have } of cases)
    for (let cut = 0; cut < 9; cut++) {
      const world = worldOf(have, want)
      if (pass(want, world, { cut }) !== 'cut') break
      // What it remembered of the stop is gone with it.
      world.have = { ...world.have, askedToStopMsAgo: undefined }
      settle(want, world, false)
      assertMet(want, world, have)
    }
})

test('a guest that dies between two passes is started again, or left alone when it should be', () => {
  for (const { want, have } of cases) {
    const world = worldOf(have, want)
    pass(want, world)
    if (world.forgotten) continue
    die(world)
    settle(want, world, false)
    assertMet(want, world, have)
  }
})

test('nothing to do means nothing, twice', () => {
  for (const { want, have } of cases) {
    const world = worldOf(have, want)
    settle(want, world, false)
    if (world.forgotten || world.log.includes('fail')) continue
    assert.deepEqual(planGuest(wishNow(want, world), world.have), [])
  }
})

test('without its pool no disk is touched, nothing is lost, nothing is started; a stop is still a stop', () => {
  const allowed = new Set(['fail', 'wait', 'leaveEdge', 'askToStop', 'kill', 'freeze', 'unfreeze', 'tuneLink'])
  for (const { want, have } of cases) {
    const steps = planGuest(want, { ...have, poolAway: 'pool default is away' })
    const about = JSON.stringify({ want, have, steps })
    assert.ok(
      steps.every((step) => allowed.has(step.do)),
      about,
    )
    assert.ok(!steps.some((step) => step.do === 'fail' && step.code !== 'POOL_MISSING'), about)
    const live = have.state === 'running' || have.state === 'frozen'
    if (live && want.spec.run !== 'stopped') assert.ok(!steps.some((step) => step.do === 'kill'), about)
    if (live && want.spec.run === 'stopped' && !want.deleting) assert.notDeepEqual(steps, [], about)
    if (want.deleting) assert.equal(steps[0]?.do, 'fail', about)
  }
})

test('the disks of another guest, and what runs from them, are never touched', () => {
  for (const { want, have } of cases) {
    if (have.roots.length + have.snapshots.length === 0) continue
    const steps = planGuest(want, { ...have, owner: 'eight' })
    assert.deepEqual(
      steps.map((step) => (step.do === 'fail' ? step.code : step.do)),
      [want.deleting ? 'forget' : 'REFUSED'],
    )
  }
})

test('without a manifest only what the record or the status names is taken away', () => {
  for (const { want, have } of cases) {
    const named = new Set([want.spec.root.id, have.rootId, ...want.snapshots.map(({ id }) => id)])
    for (const step of planGuest(want, { ...have, owner: undefined }))
      if (step.do === 'removeRoot' || step.do === 'removeSnapshot')
        assert.ok(named.has(step.id), JSON.stringify({ want, have, step }))
      else if (step.do === 'kill' && have.rootId === undefined)
        assert.ok(have.roots.includes(want.spec.root.id), JSON.stringify({ want, have, step }))
  }
})

test('a restore puts the new disk in place before the old one goes, and snapshots come first', () => {
  const [, , ofOld = []] = snapshotsOf
  const want: WantedGuest = { number: 7, id: 'seven', deleting: false, spec, definition: 'new', snapshots: ofOld }
  const have: HaveGuest = {
    ...{ state: 'running', definition: 'old', roots: ['root-old'], snapshots: [], diskLimit: undefined },
    ...{ owner: 'seven', rootId: 'root-old', restarts: 0, fromLoopback: undefined, askedToStopMsAgo: undefined },
  }
  const world = worldOf(have, want)
  pass(want, world)
  assert.deepEqual(
    world.log,
    'takeSnapshot kill cloneRoot limitRoot removeRoot define openFirewall start tuneLink'.split(' '),
  )
})

test('each step can be told in one line', () => {
  for (const { want, have } of cases)
    for (const step of planGuest(want, have)) {
      assert.match(describeStep(step), /^[a-z][^\n]+$/)
      assert.doesNotMatch(describeStep(step), /undefined/)
    }
})
