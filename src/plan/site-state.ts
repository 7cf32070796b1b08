/** What a site is now: pure, from its records, those who answer for it, and what is seen of their guests. */
import type { GuestState } from '../api/guest.ts'
import type { Instance, InstanceState, Site } from '../api/site.ts'

export interface InstanceSeen {
  readonly name: string
  readonly number: number
  readonly release: string
  readonly host: string
  readonly ipv4: string
  readonly created: string
  readonly deleting: boolean
  readonly guest: GuestState | undefined
  readonly reason?: string | undefined
  /** What the rollout made of it; absent: nobody is sent to it. */
  readonly member: 'starting' | 'ready' | 'draining' | 'retiring' | undefined
  /** Nothing is heard of its host. */
  readonly away?: boolean | undefined
}

/** A guest that does not run serves nobody, whatever was believed of it a moment ago. */
export function instanceState(seen: InstanceSeen): Pick<Instance, 'state' | 'reason'> {
  const { guest, member, deleting, reason } = seen
  if (deleting || guest === 'removing' || member === 'retiring') return { state: 'retiring' }
  if (seen.away) return { state: 'away', reason: `host ${seen.host} is away` }
  const why = reason === undefined ? {} : { reason }
  if (guest === 'waits' || guest === 'failed') return { state: 'unhealthy', ...why }
  if (guest === 'stopped' || guest === 'stopping' || guest === 'frozen')
    return member === 'ready' || member === 'draining'
      ? { state: 'unhealthy', reason: reason ?? `its guest is ${guest}` }
      : { state: 'stopped' }
  if (member === 'draining') return { state: 'draining' }
  if (member === 'ready' && guest === 'running') return { state: 'ready' }
  return { state: 'starting', ...why }
}

export interface SiteSeen {
  readonly run: 'running' | 'stopped'
  readonly release: string | null
  readonly deleting: boolean
  /** How many there shall be. */
  readonly count: number
  readonly instances: readonly InstanceState[]
  /** Hosts of instances that nothing is heard of. */
  readonly away?: readonly string[]
  readonly rollout: RolloutSeen | null
  /** The host that its data is on its way to. */
  readonly movesTo?: string | undefined
}

interface RolloutSeen {
  readonly state: string
  readonly to: string | null
  readonly reason?: string | undefined
  /** Another number alone was asked for: how many there were, and should be. */
  readonly countBefore?: number | undefined
  readonly slots?: { readonly length: number } | undefined
  /** By nobody's wish: what was lost, or leaves its host. */
  readonly repair?: boolean | undefined
}

function whatFailed({ to, countBefore, slots, repair }: RolloutSeen): string {
  if (repair) return 'making instances anew'
  if (countBefore !== undefined && slots) return `the change from ${countBefore} to ${slots.length} instances`
  return `the deploy of ${to}`
}

export function siteState(seen: SiteSeen): Pick<Site, 'state' | 'reason'> {
  const { run, release, count, instances, rollout } = seen
  if (seen.deleting) return { state: 'removing' }
  const ready = instances.filter((state) => state === 'ready').length
  if (rollout?.state === 'running') return { state: 'deploying' }
  const reason =
    rollout?.state === 'failed' ? `${whatFailed(rollout)} failed: ${rollout.reason ?? 'no reason is known'}` : undefined
  if (release === null && instances.length === 0) return { state: 'empty', ...(reason === undefined ? {} : { reason }) }
  if (run === 'stopped') return { state: 'stopped' }
  if (ready >= count && ready > 0) return { state: 'serves', ...(reason === undefined ? {} : { reason }) }
  const { away = [], movesTo } = seen
  const told = [
    `${ready} of ${count} instances answer`,
    ...(movesTo === undefined ? [] : [`it is on its way to ${movesTo}`]),
    ...(away.length === 0 ? [] : [awayText(away)]),
    ...(reason === undefined ? [] : [reason]),
  ]
  const isUnknown = instances.every((state) => state === 'away' || state === 'retiring') && away.length > 0
  return { state: ready > 0 ? 'degraded' : isUnknown ? 'away' : 'down', reason: told.join('; ') }
}

const awayText = (hosts: readonly string[]): string =>
  hosts.length === 1 ? `host ${hosts[0]} is away` : `hosts ${hosts.join(', ')} are away`
