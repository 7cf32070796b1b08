/** A world of one guest, just big enough for plans: steps change it, and what must never happen throws. */
import assert from 'node:assert/strict'
import { type HaveGuest, planGuest, type Step, stopPatienceMs, type WantedGuest } from '../../../src/plan/guest.ts'
import { strandsOf } from '../../../src/plan/guest-order.ts'

export interface World {
  have: HaveGuest
  /** The root that the guest runs from; only while it lives. */
  runsFrom: string | undefined
  firewallOpen: boolean
  forgotten: boolean
  readonly taken: Set<string>
  readonly lost: Set<string>
  readonly everHad: Set<string>
  readonly log: string[]
}

export function worldOf(have: HaveGuest, want: WantedGuest): World {
  return {
    have,
    runsFrom: have.state === 'stopped' ? undefined : runningRoot(have, want.spec.root.id),
    firewallOpen: have.state !== 'stopped',
    forgotten: false,
    taken: new Set(want.snapshots.filter(({ taken }) => taken).map(({ id }) => id)),
    lost: new Set(want.snapshots.filter(({ lost }) => lost).map(({ id }) => id)),
    everHad: new Set([...have.roots, ...(have.rootId === undefined ? [] : [have.rootId])]),
    log: [],
  }
}

/** A guest is down before its next root is made, so one that lives beside that root lives from it. */
const runningRoot = ({ roots }: HaveGuest, wanted: string) => (roots.includes(wanted) ? wanted : roots[0])

/** The wish as the store would tell it now: records that were finished are gone or marked. */
export function wishNow(want: WantedGuest, world: World): WantedGuest {
  const gone = (id: string) => !world.have.snapshots.includes(id)
  return {
    ...want,
    snapshots: want.snapshots
      .filter(({ id, deleting }) => !(deleting && gone(id)))
      .map((snapshot) => ({ ...snapshot, taken: world.taken.has(snapshot.id), lost: world.lost.has(snapshot.id) })),
  }
}

export type PassEnd = 'nothing' | 'changed' | 'waits' | 'lost' | 'cut'

interface Course {
  /** Ends the pass after so many steps, as a crash does. */
  readonly cut?: number
  /** What may go side by side goes the other way round. */
  readonly lastFirst?: boolean
}

/** One pass. Reports as the loop does. */
export function pass(want: WantedGuest, world: World, { cut = Infinity, lastFirst = false }: Course = {}): PassEnd {
  const now = wishNow(want, world)
  const planned = planGuest(now, world.have)
  const groups = strandsOf(planned)
  const steps = groups.flatMap((strands) => (lastFirst ? strands.toReversed() : strands)).flat()
  assert.deepEqual(new Set(steps), new Set(planned), 'no step is left out')
  assert.equal(steps.length, planned.length, 'and none is done twice')
  const wait = steps.findIndex((step) => step.do === 'wait')
  assert.ok(wait < 0 || wait === steps.length - 1, `a wait is the last step: ${steps.map((step) => step.do)}`)
  for (const [index, step] of steps.entries()) {
    if (index >= cut) return 'cut'
    world.log.push(step.do)
    if (step.do === 'fail') {
      assert.equal(step.code, 'DATA_LOST')
      return 'lost'
    }
    world.have = { ...world.have, ...act(now, world, step) }
  }
  if (steps.at(-1)?.do === 'wait') return 'waits'
  if (!want.deleting) {
    const { spec } = want
    world.have = { ...world.have, rootId: spec.root.id, restarts: spec.restarts, askedToStopMsAgo: undefined }
  }
  return steps.length === 0 ? 'nothing' : 'changed'
}

/** Nobody does anything, and so much time goes by. The guest halts when it was asked, or is too stubborn to. */
export function timePasses(world: World, stubborn: boolean): void {
  const { have } = world
  if (have.askedToStopMsAgo === undefined) return
  if (!stubborn && have.state !== 'frozen') die(world)
  else world.have = { ...have, askedToStopMsAgo: have.askedToStopMsAgo + stopPatienceMs }
}

export function die(world: World): void {
  world.have = { ...world.have, state: 'stopped' }
  world.runsFrom = undefined
}

/** What the step changes of what is there. */
function act(want: WantedGuest, world: World, step: Step): Partial<HaveGuest> {
  assert.equal(world.forgotten, false, 'nothing comes after forgetting')
  const { roots, snapshots, rootId } = world.have
  switch (step.do) {
    case 'cloneRoot':
      assert.ok(!roots.includes(step.id), 'a root is made once')
      assert.ok(rootId !== step.id, 'a root that was lost is never made anew')
      assert.equal(world.runsFrom, undefined, 'a guest is down before its next root is there')
      return { roots: [...roots, step.id], diskLimit: null }
    case 'limitRoot':
      assert.ok(roots.includes(step.id), 'a limit needs a root')
      return { diskLimit: step.bytes }
    case 'removeRoot':
      assertMayGo(want, world, step.id)
      return { roots: roots.filter((id) => id !== step.id) }
    case 'takeSnapshot':
      assert.ok(snapshots.includes(step.id) || roots.includes(step.rootId), 'a snapshot needs its root')
      world.taken.add(step.id)
      return { snapshots: [...new Set([...snapshots, step.id])] }
    case 'loseSnapshot':
      assert.ok(!snapshots.includes(step.id), 'what is there is not lost')
      world.taken.delete(step.id)
      world.lost.add(step.id)
      return {}
    case 'removeSnapshot':
      assert.ok(want.deleting || want.snapshots.some((s) => s.id === step.id && s.deleting), 'nobody asked for that')
      return { snapshots: snapshots.filter((id) => id !== step.id) }
    default:
      return actOnRuntime(want, world, step)
  }
}

function assertMayGo(want: WantedGuest, world: World, rootId: string): void {
  assert.ok(world.runsFrom !== rootId, 'no root is taken away from under a guest')
  if (want.deleting) return
  assert.ok(rootId !== want.spec.root.id, 'the wanted root stays')
  assert.ok(world.have.roots.includes(want.spec.root.id), 'the old root goes after the new one is there')
  const owed = want.snapshots.some((s) => s.rootId === rootId && !s.deleting && !world.taken.has(s.id))
  assert.ok(!owed || want.snapshots.every((s) => s.lost || world.lost.has(s.id)), 'asked-for snapshots come first')
}

function actOnRuntime(want: WantedGuest, world: World, step: Step): Partial<HaveGuest> {
  const { have } = world
  const live = have.state !== 'stopped'
  switch (step.do) {
    case 'define':
      return { definition: want.definition }
    case 'openFirewall':
      world.firewallOpen = true
      return {}
    case 'closeFirewall':
      assert.equal(live, false, 'the firewall closes behind a dead guest')
      world.firewallOpen = false
      return {}
    case 'start':
      assert.equal(live, false, 'never two')
      assert.equal(have.definition, want.definition, 'started as it was defined last')
      assert.ok(have.roots.includes(want.spec.root.id), 'started from the wanted root')
      assert.ok(world.firewallOpen, 'rules before packets')
      assert.notEqual(want.spec.run, 'stopped')
      world.runsFrom = want.spec.root.id
      return { state: 'running' }
    case 'tuneLink':
      assert.ok(live, 'a link comes with the start')
      return { fromLoopback: want.spec.ports.length > 0 }
    case 'askToStop':
      assert.ok((have.askedToStopMsAgo ?? 0) < stopPatienceMs, 'asked while there is patience')
      return { askedToStopMsAgo: have.askedToStopMsAgo ?? 0 }
    case 'kill':
      world.runsFrom = undefined
      return { state: 'stopped', fromLoopback: undefined }
    case 'freeze':
    case 'unfreeze':
    case 'setLimits':
      assert.ok(live, `${step.do} needs a guest that lives`)
      return step.do === 'setLimits' ? {} : { state: step.do === 'freeze' ? 'frozen' : 'running' }
    case 'removeRuntime':
      assert.equal(live, false)
      return { definition: undefined }
    case 'forget':
      assert.deepEqual([have.roots, have.snapshots, have.definition, world.firewallOpen], [[], [], undefined, false])
      world.forgotten = true
      return {}
    default:
      return {}
  }
}
