/** What is to be done about a site while no rollout is under way: its instances as it is wished, and those that were lost made anew. Pure. */
import type { MemberSight } from './rollout.ts'
import { giveJobs, type JobsAction, type JobsSight } from './site-jobs.ts'

export interface RunMember extends MemberSight {
  readonly wished: 'running' | 'stopped'
  /** Its host is drained, and another could have it. */
  readonly leaves?: boolean
}

export interface RunSight {
  readonly run: 'running' | 'stopped'
  readonly deleting: boolean
  readonly now: number
  readonly members: readonly RunMember[]
  /** Guests of the site that are no members: on their way out. */
  readonly leaving: number
  readonly jobs: JobsSight
  readonly drainMs: number
  /** How long until what is lost may be made anew; absent: nothing is known that it could be made from. */
  readonly repairInMs?: number
  /** The same for those that leave their host. */
  readonly leaveInMs?: number
}

export type RunAction =
  | { readonly do: 'register'; readonly members: readonly string[] }
  | { readonly do: 'drain'; readonly members: readonly string[] }
  | { readonly do: 'halt'; readonly members: readonly string[] }
  | { readonly do: 'run'; readonly members: readonly string[] }
  | { readonly do: 'remove'; readonly members: readonly string[] }
  | Extract<JobsAction, { do: 'give' }>
  | { readonly do: 'repair'; readonly members: readonly string[] }
  /** The site is removed, and nothing of it runs any more. */
  | { readonly do: 'forget' }
  /** Until something happens, or so long. `settled`: it is as it is wished. */
  | { readonly do: 'wait'; readonly forMs: number; readonly settled: boolean }

const aWhileMs = 30_000

export function nextRunAction(sight: RunSight): RunAction {
  if (sight.deleting) return leave(sight)
  return sight.run === 'stopped' ? stop(sight) : keepUp(sight)
}

function leave(sight: RunSight): RunAction {
  const drained = drainFirst(sight)
  if (drained) return drained
  const members = sight.members.map(({ name }) => name)
  if (members.length > 0) return { do: 'remove', members }
  return sight.leaving > 0 ? { do: 'wait', forMs: aWhileMs, settled: false } : { do: 'forget' }
}

function stop(sight: RunSight): RunAction {
  const drained = drainFirst(sight)
  if (drained) return drained
  const up = sight.members.filter(({ state, wished }) => state !== 'starting' || wished === 'running')
  if (up.length > 0) return { do: 'halt', members: up.map(({ name }) => name) }
  const settled = sight.members.every(({ guest }) => guest !== 'running')
  return { do: 'wait', forMs: aWhileMs, settled }
}

/** Who stops answers first what it was asked; one that does not run has nothing to answer. */
function drainFirst({ members, now, drainMs }: RunSight): RunAction | undefined {
  const ready = members.filter(({ state }) => state === 'ready').map(({ name }) => name)
  if (ready.length > 0) return { do: 'drain', members: ready }
  const left = members
    .filter(({ state, open, guest }) => state === 'draining' && open !== 0 && guest === 'running')
    .map(({ since }) => Math.min(drainMs, drainMs - (now - since)))
  const forMs = Math.max(0, ...left)
  return forMs > 0 ? { do: 'wait', forMs, settled: false } : undefined
}

function keepUp({ members, repairInMs, leaveInMs, jobs }: RunSight): RunAction {
  const named = (found: typeof members): string[] => found.map(({ name }) => name)
  const halted = members.filter(({ wished, guest }) => wished === 'stopped' && guest !== 'gone')
  if (halted.length > 0) return { do: 'run', members: named(halted) }
  // What drained for something that did not happen serves again.
  const well = members.filter(
    ({ state, guest, health }) =>
      state === 'draining' || (state === 'starting' && guest === 'running' && health?.good === true),
  )
  if (well.length > 0) return { do: 'register', members: named(well) }
  const given = giveJobs(jobs)
  if (given?.do === 'give') return given
  const lost = members.filter(({ guest }) => guest === 'failed' || guest === 'gone')
  if (lost.length > 0 && repairInMs === 0) return { do: 'repair', members: named(lost) }
  // One after another of them is replaced elsewhere before it goes, as at a deploy.
  const leaving = members.filter(({ leaves, state }) => leaves === true && state === 'ready')
  if (leaving.length > 0 && leaveInMs === 0) return { do: 'repair', members: named(leaving) }
  const settled = members.every(({ state, guest }) => state === 'ready' && guest === 'running')
  const waits = [...lost.map(() => repairInMs), ...leaving.map(() => leaveInMs)].filter((ms) => ms !== undefined)
  return { do: 'wait', forMs: Math.min(aWhileMs, ...waits), settled }
}
