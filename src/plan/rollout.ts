/**
 * What a rollout does next, from what is there: pure. New instances come beside the old ones, wave by wave; nothing of the old
 * is taken away before the last wave has passed its gate.
 *
 *     start ──► before (once) ──► gate ──► register ──► drain ──► retire ──► done
 *       ▲                                                 │
 *       └───────────────── next wave ─────────────────────┘
 *     at a failure, or when it is cancelled, before retire:  return ──► failed, cancelled
 */
import type { RolloutStep } from '../api/site.ts'
import type { ServingMember } from './members.ts'
import { handOver, type JobsAction, type JobsSight } from './site-jobs.ts'

export interface MemberSight extends Pick<ServingMember, 'name' | 'state'> {
  /** Its place among those that serve. */
  readonly slot: number
  /** When it came into its state. */
  readonly since: number
  readonly guest: 'coming' | 'running' | 'failed' | 'gone'
  /** Absent: not known yet. */
  readonly health?:
    | { readonly good: true }
    | {
        readonly good: false
        readonly why: string
        readonly daemon?: string
        /** It will not get well: nobody waits for it. */
        readonly hopeless?: true
      }
  /** What is open to it at the edge; absent: the edge could not be asked. */
  readonly open?: number
  /** Why its guest failed. */
  readonly why?: string
}

export interface RolloutSight {
  readonly step: RolloutStep
  /** When this step began. */
  readonly since: number
  readonly now: number
  readonly cancelled: boolean
  /** How many instances there shall be. */
  readonly count: number
  /** How many each wave replaces; what is left over is one more wave. */
  readonly waves: readonly number[]
  /** In which order places get theirs; absent: as they are counted. */
  readonly order?: readonly number[]
  /** So long what is new must stay well after each wave. */
  readonly holdMs?: number
  readonly before: 'none' | 'wanted' | 'done'
  /** Names of those that go, and of those that this rollout has made. Whoever is in neither stays. */
  readonly old: readonly string[]
  readonly new: readonly string[]
  readonly members: readonly MemberSight[]
  readonly jobs: JobsSight
  readonly withinMs: number
  readonly drainMs: number
}

export type RolloutAction =
  | { readonly do: 'create'; readonly slot: number }
  | { readonly do: 'before'; readonly member: string }
  /** Also of none: names of the site may be others. It is a step of its own, written with the members that are ready from then on. */
  | { readonly do: 'register'; readonly members: readonly string[] }
  | { readonly do: 'drain'; readonly members: readonly string[] }
  | { readonly do: 'restore'; readonly members: readonly string[] }
  | { readonly do: 'remove'; readonly members: readonly string[] }
  | Exclude<JobsAction, { do: 'wait' }>
  | { readonly do: 'go'; readonly step: RolloutStep }
  /** `member` is the one whose words tell more, `daemon` who of it was asked. */
  | { readonly do: 'fail'; readonly reason: string; readonly member?: string; readonly daemon?: string }
  | { readonly do: 'finish'; readonly state: 'done' | 'failed' | 'cancelled' }
  /** Until something happens, or so long. */
  | { readonly do: 'wait'; readonly forMs: number }

/** Who ends without that a check meets it is told by another host. */
const holdLookMs = 5000
/** So long after its time who was not asked yet is waited for. */
const unheardMs = 60_000
/** A guest that does not run after so long is a failure. */
export const startWithinMs = 300_000

export function nextAction(sight: RolloutSight): RolloutAction {
  if (sight.cancelled && sight.step !== 'return' && sight.step !== 'retire')
    return { do: 'fail', reason: 'it was cancelled' }
  return steps[sight.step](sight)
}

const steps: Readonly<Record<RolloutStep, (sight: RolloutSight) => RolloutAction>> = {
  queued: () => ({ do: 'go', step: 'start' }),
  start,
  before,
  gate,
  /** They are members that are ready: the edge is told before anything else is done. */
  register: () => ({ do: 'go', step: 'drain' }),
  drain,
  retire,
  return: goBack,
}

function start(sight: RolloutSight): RolloutAction {
  const lost = lostOne(sight)
  if (lost) return lost
  const free = freeSlots(sight)
  const [slot] = free.slice(0, leftInWave(sight, free.length))
  if (slot !== undefined) return { do: 'create', slot }
  const coming = newOnes(sight).find(({ guest }) => guest !== 'running')
  if (!coming) return { do: 'go', step: sight.before === 'wanted' ? 'before' : 'gate' }
  const left = startWithinMs - (sight.now - sight.since)
  if (left > 0) return { do: 'wait', forMs: left }
  return { do: 'fail', reason: `${coming.name} did not start in ${startWithinMs / 1000} s`, member: coming.name }
}

/** In the first new instance; where there is none, nothing new comes into the world. */
function before(sight: RolloutSight): RolloutAction {
  const [first] = newOnes(sight)
  if (sight.before !== 'wanted' || !first) return { do: 'go', step: 'gate' }
  return lostOne(sight) ?? { do: 'before', member: first.name }
}

function gate(sight: RolloutSight): RolloutAction {
  const lost = lostOne(sight)
  if (lost) return lost
  const unwell = newOnes(sight).find(({ guest, health }) => guest !== 'running' || !health?.good)
  if (!unwell) return { do: 'register', members: namesOf(newOnes(sight), 'starting') }
  const lostOnes = newOnes(sight).filter(({ health }) => health?.good === false && health.hopeless)
  const left = sight.withinMs - (sight.now - sight.since)
  // Who leads now may have come when the time was over: nobody is judged unheard.
  const isUnheard = newOnes(sight).some(({ guest, health }) => guest === 'running' && health === undefined)
  const patience = isUnheard ? left + unheardMs : left
  if (patience > 0 && lostOnes.length === 0) return { do: 'wait', forMs: left > 0 ? left : patience }
  const [told = unwell] = lostOnes
  const { name, health } = told
  const asked = health?.good === false && health.daemon !== undefined ? { daemon: health.daemon } : {}
  return { do: 'fail', reason: `${name} is not healthy: ${whyUnwell(told)}`, member: name, ...asked }
}

function drain(sight: RolloutSight): RolloutAction {
  const isLast = freeSlots(sight).length === 0
  const served = new Set(sight.members.filter((one) => !isOld(sight, one) && one.state === 'ready').map(slotOf))
  const replaced = oldOnes(sight).filter(({ slot }) => isLast || served.has(slot))
  const members = namesOf(replaced, 'ready')
  if (members.length > 0) return { do: 'drain', members }
  const held = hold(sight)
  if (held) return held
  if (!isLast) return { do: 'go', step: 'start' }
  const forMs = untilDrained(sight, oldOnes(sight))
  return forMs > 0 ? { do: 'wait', forMs } : { do: 'go', step: 'retire' }
}

/** What is new is asked by visitors from now on: whoever does not stay well for so long takes all back. */
function hold(sight: RolloutSight): RolloutAction | undefined {
  const { holdMs = 0, now, since } = sight
  if (holdMs === 0) return undefined
  const lost = lostOne(sight)
  if (lost) return lost
  const unwell = newOnes(sight).find(({ guest, health }) => guest !== 'running' || health?.good === false)
  if (unwell) {
    const { name, health } = unwell
    const asked = health?.good === false && health.daemon !== undefined ? { daemon: health.daemon } : {}
    return { do: 'fail', reason: `${name} did not stay healthy: ${whyUnwell(unwell)}`, member: name, ...asked }
  }
  const left = holdMs - (now - since)
  return left > 0 ? { do: 'wait', forMs: Math.min(holdLookMs, left, holdMs) } : undefined
}

function retire(sight: RolloutSight): RolloutAction {
  const { jobs, old: leaving, now, since } = sight
  const first = handOver(jobs, { leaving, now, since })
  if (first) return first
  const members = oldOnes(sight).map(({ name }) => name)
  return members.length > 0 ? { do: 'remove', members } : { do: 'finish', state: 'done' }
}

/** The old ones are asked again before anything of the new is taken away. */
function goBack(sight: RolloutSight): RolloutAction {
  const back = namesOf(oldOnes(sight), 'draining')
  if (back.length > 0) return { do: 'restore', members: back }
  const away = newOnes(sight)
  const serving = namesOf(away, 'ready')
  if (serving.length > 0) return { do: 'drain', members: serving }
  const forMs = untilDrained(sight, away)
  if (forMs > 0) return { do: 'wait', forMs }
  if (away.length > 0) return { do: 'remove', members: away.map(({ name }) => name) }
  return { do: 'finish', state: sight.cancelled ? 'cancelled' : 'failed' }
}

/** Its host does not start it any more, or somebody took it away: waiting longer helps nobody. */
function lostOne(sight: RolloutSight): RolloutAction | undefined {
  const lost = newOnes(sight).find(({ guest }) => guest === 'failed' || guest === 'gone')
  if (!lost) return undefined
  const why = lost.guest === 'gone' ? 'it is gone' : (lost.why ?? 'it does not start')
  return { do: 'fail', reason: `${lost.name} failed: ${why}`, member: lost.name }
}

const isOld = ({ old }: RolloutSight, { name }: MemberSight): boolean => old.includes(name)
const oldOnes = (sight: RolloutSight): MemberSight[] => sight.members.filter((one) => isOld(sight, one))
const newOnes = (sight: RolloutSight): MemberSight[] => sight.members.filter(({ name }) => sight.new.includes(name))
const slotOf = ({ slot }: MemberSight): number => slot

const namesOf = (members: readonly MemberSight[], state: MemberSight['state']): string[] =>
  members.filter((one) => one.state === state).map(({ name }) => name)

/** Places that nobody has who stays, or who is new. */
function freeSlots(sight: RolloutSight): number[] {
  const taken = new Set(sight.members.filter((one) => !isOld(sight, one)).map(slotOf))
  const all = Array.from({ length: sight.count }, (_, at) => at + 1).filter((slot) => !taken.has(slot))
  const { order } = sight
  return order ? all.toSorted((a, b) => order.indexOf(a) - order.indexOf(b)) : all
}

/** How many more the wave that is under way may have: what is registered tells which one that is. */
function leftInWave(sight: RolloutSight, free: number): number {
  const made = newOnes(sight)
  const registered = namesOf(made, 'ready').length
  let end = 0
  for (const size of sight.waves) {
    end += size
    if (end > registered) return Math.max(0, end - made.length)
  }
  return free
}

function untilDrained({ now, drainMs }: RolloutSight, members: readonly MemberSight[]): number {
  const left = members
    .filter(({ state, open }) => state === 'draining' && open !== 0)
    .map(({ since }) => Math.min(drainMs, drainMs - (now - since)))
  return Math.max(0, ...left)
}

function whyUnwell({ guest, health }: MemberSight): string {
  if (guest !== 'running') return 'its guest does not run'
  return health && !health.good ? health.why : 'nothing was heard of it'
}
