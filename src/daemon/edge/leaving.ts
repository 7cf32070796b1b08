/**
 * A guest that is asked to stop first answers what visitors have asked of it. Meanwhile the edge gives it nothing new:
 * what comes waits until it is back, or goes to others. Lost with the daemon, and nothing is wrong then.
 */
import type { Edge, EdgeWish } from '../../drivers/edge/driver.ts'
import { type EdgeGuest, idOf } from '../../plan/edge.ts'
import type { Env } from '../env.ts'

export interface Leaving {
  /** Whether sites lead to the guest of this number, as the edge was last told; they may, while this daemon has told nothing. */
  leadsTo(number: number): boolean
  /** Returns when nothing is open to it any more, or a moment later: websockets have no end of their own. */
  leave(number: number): Promise<void>
  /** It is there again, or nothing came of its stop. */
  back(number: number): void
  isLeaving(number: number): boolean
  told(wish: Pick<EdgeWish, 'sites'>, guests: readonly EdgeGuest[]): void
}

interface Around {
  readonly env: Env
  readonly edge: Edge | undefined
  /** Returns when the edge was told anew, as far as it takes it. */
  readonly refresh: () => Promise<void>
  readonly refreshSoon: () => void
}

const patienceMs = 3000
const lookEveryMs = 25

export function createLeaving({ env, edge, refresh, refreshSoon }: Around): Leaving {
  const leaving = new Set<number>()
  /** Servers by the guest's number. Undefined: the edge serves what another daemon told it. */
  let led: ReadonlyMap<number, string> | undefined

  async function leave(number: number): Promise<void> {
    if (!edge || led?.has(number) === false) return
    leaving.add(number)
    await refresh()
    const server = led?.get(number)
    if (server === undefined) return
    const end = env.monotonicMs() + patienceMs
    while (env.monotonicMs() < end && (await isOpen(edge, server))) await later(env, lookEveryMs)
  }

  return {
    leave,
    leadsTo: (number) => (led ? led.has(number) : edge !== undefined),
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

/** An edge that does not answer may be in the middle of an answer to a visitor. */
const isOpen = (edge: Edge, server: string): Promise<boolean> =>
  edge.open(server).then(
    (open) => open > 0,
    () => true,
  )

const later = (env: Env, ms: number): Promise<void> => new Promise((go) => env.later(ms, go))
