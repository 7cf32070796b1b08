/**
 * A guest that is asked to stop first answers what visitors have asked of it. Meanwhile the edge gives it nothing new:
 * what comes waits until it is back, or goes to others. Lost with the daemon, and nothing is wrong then.
 */
import type { Edge, EdgeWish } from '../../drivers/edge/driver.ts'
import { type EdgeGuest, idOf } from '../../plan/edge.ts'
import type { Env } from '../env.ts'

export interface Leaving {
  /** Whether sites lead to the guest of this number, as the edge was last told. */
  leadsTo(number: number): boolean
  /** Returns when nothing is open to it any more, or a moment later: websockets have no end of their own. */
  leave(number: number): Promise<void>
  /** It is there again, or nothing came of its stop. */
  back(number: number): void
  isLeaving(number: number): boolean
  told(wish: EdgeWish, guests: readonly EdgeGuest[]): void
}

interface Around {
  readonly env: Env
  readonly edge: Edge | undefined
  /** Whether the edge serves as it should afterwards. */
  readonly refresh: () => Promise<boolean>
  readonly refreshSoon: () => void
}

const patienceMs = 3000
const lookEveryMs = 25

export function createLeaving({ env, edge, refresh, refreshSoon }: Around): Leaving {
  const leaving = new Set<number>()
  /** Servers by the guest's number. */
  let led: ReadonlyMap<number, string> = new Map()

  async function leave(number: number): Promise<void> {
    const server = led.get(number)
    if (!edge || server === undefined) return
    leaving.add(number)
    if (!(await refresh())) return
    const end = env.monotonicMs() + patienceMs
    while (env.monotonicMs() < end && (await edge.open(server).catch(() => 0)) > 0) await later(env, lookEveryMs)
  }

  return {
    leave,
    leadsTo: (number) => led.has(number),
    back(number) {
      if (leaving.delete(number)) refreshSoon()
    },
    isLeaving: (number) => leaving.has(number),
    told({ sites }, guests) {
      const servers = sites.flatMap(({ target }) => (target.kind === 'servers' ? target.servers : []))
      const ids = new Set(servers.map(({ id }) => id))
      led = new Map(guests.map(({ number, id }) => [number, idOf(id)] as const).filter(([, id]) => ids.has(id)))
    },
  }
}

const later = (env: Env, ms: number): Promise<void> => new Promise((go) => env.later(ms, go))
