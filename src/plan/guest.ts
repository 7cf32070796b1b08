/**
 * What must be done for one guest: pure. From a wish and what is there follow steps, in order; a pass that must wait for
 * something ends with `wait`. The same function serves the good day and the morning after the crash.
 */
import type { GuestSpec, Limits, RootSource } from '../api/guest.ts'
import { sizeText } from './amount.ts'
import { type HaveVolumes, planVolumes, type WantedVolume } from './guest-volumes.ts'

export interface WantedSnapshot {
  readonly id: string
  readonly name: string
  readonly rootId: string
  readonly deleting: boolean
  /** True once the host has reported it taken: then its absence is a loss. */
  readonly taken: boolean
  /** Reported as such: there is nothing left to take it from. */
  readonly lost: boolean
}

export interface WantedGuest {
  readonly number: number
  readonly id: string
  readonly deleting: boolean
  readonly spec: GuestSpec
  /** Hash of the definition that the spec asks for. */
  readonly definition: string
  readonly snapshots: readonly WantedSnapshot[]
  readonly volumes?: readonly WantedVolume[]
}

export interface HaveGuest {
  /** Why its disks cannot be reached now: nothing is known of them, and nothing is taken for lost. */
  readonly poolAway?: string | undefined
  readonly state: 'stopped' | 'starting' | 'running' | 'frozen'
  readonly definition: string | undefined
  readonly roots: readonly string[]
  readonly snapshots: readonly string[]
  /** The id of the guest that the manifest beside them names; undefined without one. */
  readonly owner: string | undefined
  /** Present limit of the wanted root; undefined when that root is not there. */
  readonly diskLimit: number | null | undefined
  /** Whether its link takes packets from the host's 127.0.0.1, as published ports want; undefined without a link. */
  readonly fromLoopback: boolean | undefined
  /** From the status: the root and the restart that were reached before. */
  readonly rootId: string | undefined
  readonly restarts: number
  /** What was put on the wanted root. */
  readonly seed?: string | undefined
  readonly volumes?: HaveVolumes
  /** Since when its init has been asked to shut down, milliseconds ago; undefined when it was not asked. */
  readonly askedToStopMsAgo: number | undefined
  /** Since when it was last asked once more. */
  readonly askedAgainMsAgo?: number | undefined
  /** Sites of the edge lead to it. */
  readonly served?: boolean
}

export type Step =
  | { readonly do: 'cloneRoot'; readonly from: RootSource; readonly id: string }
  | { readonly do: 'limitRoot'; readonly id: string; readonly bytes: number | null }
  | { readonly do: 'makeVolume'; readonly id: string; readonly bytes: number }
  | { readonly do: 'limitVolume'; readonly id: string; readonly bytes: number }
  | { readonly do: 'define' }
  | { readonly do: 'plant'; readonly seed: string }
  | { readonly do: 'openFirewall' }
  | { readonly do: 'start' }
  /** `fresh`: right after a start, which gave it all that its definition says. */
  | { readonly do: 'tuneLink'; readonly fresh: boolean }
  | { readonly do: 'setLimits'; readonly limits: Limits }
  /** What visitors have asked of it is answered first, for a moment; what comes meanwhile waits at the edge. */
  | { readonly do: 'leaveEdge' }
  | { readonly do: 'askToStop' }
  | { readonly do: 'kill' }
  | { readonly do: 'freeze' }
  | { readonly do: 'unfreeze' }
  | { readonly do: 'removeRoot'; readonly id: string }
  | { readonly do: 'takeSnapshot'; readonly id: string; readonly rootId: string; readonly name: string }
  | { readonly do: 'loseSnapshot'; readonly id: string; readonly name: string }
  | { readonly do: 'removeSnapshot'; readonly id: string }
  | { readonly do: 'removeRuntime' }
  | { readonly do: 'closeFirewall' }
  /** Nothing is left: the record goes too. */
  | { readonly do: 'forget' }
  | { readonly do: 'wait'; readonly forMs: number }
  | { readonly do: 'fail'; readonly code: 'DATA_LOST' | 'POOL_MISSING' | 'REFUSED'; readonly why: string }

export const stopPatienceMs = 30_000
/** An init that has not set up its signal handlers yet misses what it is asked: it is asked again. */
const askAgainMs = { first: 3_000, later: 5_000 } as const

export function planGuest(want: WantedGuest, have: HaveGuest): Step[] {
  if (have.poolAway !== undefined) return planWithoutDisk(want, have, have.poolAway)
  if (isAnothers(want, have))
    return want.deleting ? [{ do: 'forget' }] : [{ do: 'fail', code: 'REFUSED', why: taken(want) }]
  if (want.deleting) return remove(want, have)
  const disk = planDisk(want, have)
  if (disk.some((step) => step.do === 'fail' || step.do === 'wait')) return disk
  return [...disk, ...planRun(want, afterDisk(have, disk))]
}

/** What needs no disk is done; the rest waits for the pool. A restart is no stop: what could not start again runs on. */
function planWithoutDisk(want: WantedGuest, have: HaveGuest, why: string): Step[] {
  const { spec } = want
  const live = have.state === 'running' || have.state === 'frozen'
  const shallStop = spec.run === 'stopped' && !want.deleting
  if (live && shallStop) return stop(spec, have)
  const diskMet =
    !want.deleting &&
    have.rootId === spec.root.id &&
    want.snapshots.every((snapshot) => !snapshot.deleting && (snapshot.taken || snapshot.lost))
  if (diskMet && shallStop) return []
  if (diskMet && live && have.definition === want.definition && spec.restarts <= have.restarts)
    return planRun(want, have)
  return [{ do: 'fail', code: 'POOL_MISSING', why }]
}

/**
 * After an older store was put back, or another one begun, a number may lead to what a guest left that no record knows.
 * Nothing of it is touched: not the disks, nor what runs from them.
 */
function isAnothers(want: WantedGuest, have: HaveGuest): boolean {
  if (have.owner !== undefined) return have.owner !== want.id && have.roots.length + have.snapshots.length > 0
  const isNew = have.rootId === undefined && !have.roots.includes(want.spec.root.id)
  return isNew && (have.roots.length > 0 || have.state !== 'stopped')
}

const taken = ({ number }: WantedGuest): string =>
  `number ${number} leads to the disk of another guest, which stays as it is`

/** Of those on the pool: the manifest says that all are this guest's, or the record and the status name them. */
function ownRoots(want: WantedGuest, { owner, roots, rootId }: HaveGuest): readonly string[] {
  return owner === want.id ? roots : roots.filter((id) => id === want.spec.root.id || id === rootId)
}

function ownSnapshots(want: WantedGuest, { owner, snapshots }: HaveGuest): readonly string[] {
  return owner === want.id ? snapshots : snapshots.filter((id) => want.snapshots.some((wanted) => wanted.id === id))
}

/** Its wanted disk is among those to remove even when it is not there: the guest's folder on the pool goes with it. */
function remove(want: WantedGuest, have: HaveGuest): Step[] {
  const kill: Step[] = have.state === 'stopped' ? [] : [{ do: 'kill' }]
  return [
    ...kill,
    { do: 'closeFirewall' },
    ...ownSnapshots(want, have).map((id): Step => ({ do: 'removeSnapshot', id })),
    ...new Set([...ownRoots(want, have), want.spec.root.id]).values().map((id): Step => ({ do: 'removeRoot', id })),
    { do: 'removeRuntime' },
    { do: 'forget' },
  ]
}

/** Snapshots first: they are of the disk as it was when they were asked for. */
function planDisk(want: WantedGuest, have: HaveGuest): Step[] {
  return [
    ...want.snapshots.flatMap((snapshot) => planSnapshot(snapshot, have)),
    ...planVolumes(want.volumes ?? [], have.volumes ?? {}),
    ...planRoot(want, have),
  ]
}

/** One that is there but not reported is taken again: that changes nothing on disk, and reports it. */
function planSnapshot({ id, name, rootId, ...is }: WantedSnapshot, have: HaveGuest): Step[] {
  const there = have.snapshots.includes(id)
  if (is.deleting) return there ? [{ do: 'removeSnapshot', id }] : []
  if (there) return is.taken ? [] : [{ do: 'takeSnapshot', id, rootId, name }]
  if (is.lost) return []
  return !is.taken && have.roots.includes(rootId)
    ? [{ do: 'takeSnapshot', id, rootId, name }]
    : [{ do: 'loseSnapshot', id, name }]
}

function planRoot(want: WantedGuest, have: HaveGuest): Step[] {
  const { root, limits } = want.spec
  const others = ownRoots(want, have).filter((id) => id !== root.id)
  const bytes = limits.diskBytes ?? null
  if (have.roots.includes(root.id)) {
    const resize: Step[] = have.diskLimit === bytes ? [] : [{ do: 'limitRoot', id: root.id, bytes }]
    return [...resize, ...others.map((id): Step => ({ do: 'removeRoot', id }))]
  }
  if (have.rootId === root.id)
    return [{ do: 'fail', code: 'DATA_LOST', why: `its disk ${root.id} is gone from the pool` }]
  return [
    ...(have.state === 'stopped' ? [] : ([{ do: 'kill' }] as const)),
    { do: 'cloneRoot', from: root.from, id: root.id },
    ...(bytes === null ? [] : ([{ do: 'limitRoot', id: root.id, bytes }] as const)),
    ...others.map((id): Step => ({ do: 'removeRoot', id })),
  ]
}

function afterDisk(have: HaveGuest, disk: readonly Step[]): HaveGuest {
  return disk.some((step) => step.do === 'kill') ? { ...have, state: 'stopped' } : have
}

function planRun(want: WantedGuest, have: HaveGuest): Step[] {
  const { spec } = want
  const live = have.state !== 'stopped'
  const define: Step[] = have.definition === want.definition ? [] : [{ do: 'define' }]
  if (spec.run === 'stopped') return [...define, ...(live ? stop(spec, have) : [])]
  // Passes do not overlap: whoever began this start is dead, and nobody limits the time it may take.
  if (have.state === 'starting') return [{ do: 'kill' }, ...define, ...start(spec, have)]
  if (live && spec.restarts > have.restarts) {
    const stopping = stop(spec, have)
    return stopping.some((step) => step.do === 'wait') ? stopping : [...stopping, ...define, ...start(spec, have)]
  }
  if (!live) return [...define, ...start(spec, have)]
  const changed = define.length > 0
  const resize: Step[] = changed ? [{ do: 'setLimits', limits: spec.limits }, { do: 'openFirewall' }] : []
  const thaw: Step[] = have.state === 'frozen' && spec.run === 'running' ? [{ do: 'unfreeze' }] : []
  const freeze: Step[] = have.state !== 'frozen' && spec.run === 'frozen' ? [{ do: 'freeze' }] : []
  const mistuned = have.fromLoopback === (spec.ports.length === 0)
  const tune: Step[] = changed || mistuned ? [{ do: 'tuneLink', fresh: false }] : []
  // The definition last: it says that all before it is so.
  return [...resize, ...tune, ...define, ...thaw, ...freeze]
}

/** Rules before packets: the guest's addresses are let through only when it is about to have a link. */
function start(spec: GuestSpec, have: HaveGuest): Step[] {
  return [
    ...plant(spec, have),
    { do: 'openFirewall' },
    { do: 'start' },
    { do: 'tuneLink', fresh: true },
    ...(spec.run === 'frozen' ? ([{ do: 'freeze' }] as const) : []),
  ]
}

/** Once for a root. What was put there and not reported is put there again. */
function plant({ seed, root }: GuestSpec, have: HaveGuest): Step[] {
  return seed === undefined || (have.seed === seed && have.rootId === root.id) ? [] : [{ do: 'plant', seed }]
}

function stop(spec: GuestSpec, have: HaveGuest): Step[] {
  if (spec.stop === 'kill' || have.state === 'starting') return [{ do: 'kill' }]
  const thaw: Step[] = have.state === 'frozen' ? [{ do: 'unfreeze' }] : []
  const { askedToStopMsAgo: first, askedAgainMsAgo: again } = have
  if (first === undefined) {
    const leave: Step[] = have.served && have.state === 'running' ? [{ do: 'leaveEdge' }] : []
    return [...thaw, ...leave, { do: 'askToStop' }, { do: 'wait', forMs: askAgainMs.first }]
  }
  const left = stopPatienceMs - first
  if (left <= 0) return [{ do: 'kill' }]
  const dueMs = again === undefined ? askAgainMs.first - first : askAgainMs.later - again
  return dueMs > 0
    ? [...thaw, { do: 'wait', forMs: Math.min(dueMs, left) }]
    : [...thaw, { do: 'askToStop' }, { do: 'wait', forMs: Math.min(askAgainMs.later, left) }]
}

/** One line for `--dry-run`, progress and `host plan`. */
export function describeStep(step: Step): string {
  switch (step.do) {
    case 'cloneRoot':
      return `copy the disk from ${step.from.kind === 'template' ? step.from.ref : step.from.name}`
    case 'limitRoot':
      return step.bytes === null ? 'lift the disk limit' : `limit the disk to ${sizeText(step.bytes)}`
    case 'takeSnapshot':
      return `take snapshot ${step.name}`
    case 'loseSnapshot':
      return `report snapshot ${step.name} as lost: it is not on the pool any more`
    case 'makeVolume':
      return `make a volume of ${sizeText(step.bytes)} for its site`
    case 'limitVolume':
      return `limit a volume of its site to ${sizeText(step.bytes)}`
    case 'wait':
      return `wait up to ${stopPatienceMs / 1000} s for it to shut down`
    case 'fail':
      return step.why
    default:
      return plain[step.do]
  }
}

const plain: {
  readonly [K in Exclude<
    Step['do'],
    'cloneRoot' | 'limitRoot' | 'makeVolume' | 'limitVolume' | 'takeSnapshot' | 'loseSnapshot' | 'wait' | 'fail'
  >]: string
} = {
  define: 'write its configuration',
  plant: 'put its seed on the disk',
  openFirewall: 'let its addresses through the firewall',
  start: 'start it',
  tuneLink: 'set up its link',
  setLimits: 'change its limits',
  leaveEdge: 'let it answer what visitors have asked, and give it nothing new',
  askToStop: 'ask it to shut down',
  kill: 'kill it',
  freeze: 'freeze it',
  unfreeze: 'unfreeze it',
  removeRoot: 'remove the old disk',
  removeSnapshot: 'remove a snapshot',
  removeRuntime: 'remove its configuration',
  closeFirewall: 'close its firewall and ports',
  forget: 'forget it',
}
