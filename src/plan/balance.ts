/** Which guests would be better off elsewhere: proposals, one after another, each on what the ones before it leave. Pure. */
import type { Proposal } from '../api/placement.ts'
import { type PlacementAsk, type PlacementHost, place } from './placement.ts'

export interface BalanceGuest {
  readonly name: string
  readonly host: string
  /** As if it were new; `near` and the like without itself. */
  readonly ask: PlacementAsk
  /** It lives with data or hardware of its host, or is a site’s: it is not moved. */
  readonly stays?: boolean
}

/** So much better it must be there: a move costs, and the next look must not propose the way back. */
const worthwhile = 5
const mostProposals = 50

export function proposeMoves(hosts: readonly PlacementHost[], guests: readonly BalanceGuest[]): Proposal[] {
  const now = new Map(hosts.map((host) => [host.name, host]))
  const proposals: Proposal[] = []
  // From who is drained first, then the large ones: few moves do most.
  const order = [...guests].sort(
    (a, b) => leaving(now, b) - leaving(now, a) || b.ask.memoryBytes - a.ask.memoryBytes || (a.name < b.name ? -1 : 1),
  )
  for (const guest of order) {
    if (proposals.length >= mostProposals) break
    const home = now.get(guest.host)
    if (guest.stays || !home) continue
    const without = promisedTo(home, guest.ask, -1)
    const { candidates } = place([...new Map(now).set(home.name, without).values()], guest.ask)
    const [best] = candidates
    const here = candidates.find(({ host }) => host === guest.host)
    if (!best || best.host === guest.host) continue
    const better = here === undefined ? undefined : best.points - here.points
    if (better !== undefined && better < worthwhile) continue
    const target = now.get(best.host)
    if (!target) continue
    now.set(home.name, without)
    now.set(target.name, promisedTo(target, guest.ask, 1))
    const why = better === undefined ? `${guest.host} cannot have it` : `${better.toFixed(1)} points better`
    proposals.push({ guest: guest.name, from: guest.host, to: best.host, why: `${why}: ${best.reasons[0]?.why ?? ''}` })
  }
  return proposals
}

const leaving = (hosts: ReadonlyMap<string, PlacementHost>, { host }: BalanceGuest): number =>
  hosts.get(host)?.drained ? 1 : 0

/** With what the guest asks for promised too, or no more. */
export function promisedTo(
  host: PlacementHost,
  { memoryBytes, diskBytes, dataBytes = 0, pool }: PlacementAsk,
  sign: 1 | -1,
): PlacementHost {
  const room = host.pools[pool]
  const moved = (had: number, bytes: number) => Math.max(0, had + sign * bytes)
  return {
    ...host,
    memory: { ...host.memory, promisedBytes: moved(host.memory.promisedBytes, memoryBytes) },
    pools: room
      ? {
          ...host.pools,
          [pool]: {
            ...room,
            promisedBytes: moved(room.promisedBytes, diskBytes),
            freeBytes: moved(room.freeBytes, -dataBytes),
          },
        }
      : host.pools,
  }
}
