/**
 * Which instance has the timers of jobs that run once for the site: never two. Pure.
 *
 *     nobody ──► given ──► going ──► resting ──► given, to the next one
 *                  a guest that is no more has nothing going
 */

export interface JobsSight {
  readonly holder?: {
    readonly name: string
    /** `given`: it may have begun. */
    readonly state: 'given' | 'going' | 'resting'
    /** `away`: it does not run now, and might again. */
    readonly guest: 'running' | 'away' | 'gone'
  }
  /** Who should have them: it serves in place 1, and has such jobs. */
  readonly heir?: string
}

export type JobsAction =
  | { readonly do: 'give'; readonly members: readonly string[] }
  /** `late`: a job that still runs there is not waited for. */
  | { readonly do: 'rest'; readonly members: readonly string[]; readonly late: boolean }
  | { readonly do: 'wait'; readonly forMs: number }

/** Nothing is due in most of a minute: whoever gives them away then misses no time of a schedule, and has none twice. */
const calm = { fromMs: 2000, toMs: 56_000 }
/** A job may go on so long before it is left to end with its instance. */
const patienceMs = 30_000
/** With the time until it is calm. */
const longestMs = 45_000

/** To whoever should have them, once nobody else can have them going. */
export function giveJobs({ holder, heir }: JobsSight): JobsAction | undefined {
  if (heir === undefined) return undefined
  if (holder?.name === heir) return holder.state === 'going' ? undefined : { do: 'give', members: [heir] }
  const isFree = !holder || holder.state === 'resting' || holder.guest === 'gone'
  return isFree ? { do: 'give', members: [heir] } : undefined
}

/** Before the instance that has them goes; not for ever. */
export function handOver(
  sight: JobsSight,
  { leaving, now, since }: { readonly leaving: readonly string[]; readonly now: number; readonly since: number },
): JobsAction | undefined {
  if (now - since > longestMs) return undefined
  const { holder } = sight
  if (!holder || !leaving.includes(holder.name) || holder.state === 'resting' || holder.guest !== 'running')
    return giveJobs(sight)
  const inMinute = now % 60_000
  if (inMinute < calm.fromMs) return { do: 'wait', forMs: calm.fromMs - inMinute }
  if (inMinute > calm.toMs) return { do: 'wait', forMs: 60_000 - inMinute + calm.fromMs }
  return { do: 'rest', members: [holder.name], late: now - since > patienceMs }
}
