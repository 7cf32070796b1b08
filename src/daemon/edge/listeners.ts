/**
 * Who in the guests of routes listens, as the edge has met them: so that routes say it, and nobody waits for who has not answered
 * for long. Known anew after each start of the daemon; while none runs the edge goes on as it was last told.
 */
import { findGuest, idOf } from '../../plan/edge.ts'
import { type Hearing, hearingOf, queueSecondsOf, ranSecondsOf } from '../../plan/route-state.ts'
import type { HostParts } from '../host/parts.ts'
import { keys } from '../records/keys.ts'
import { type RouteRecord, readAll } from '../records/records.ts'
import { readEdgeGuests } from '../records/routes.ts'

export interface Listeners {
  /** Undefined: it answers, or is not known. */
  hearing(id: string): Hearing | undefined
  /** As the edge names its sites. */
  silent(): ReadonlySet<string>
  /** Knocks at the guest of a route. A new one is not waited for when nobody is there. */
  ask(route: Pick<RouteRecord, 'id' | 'spec'>, isNew?: boolean): Promise<void>
  /** True: others are silent than before. */
  look(): Promise<boolean>
}

export function createListeners(
  parts: Pick<HostParts, 'env' | 'store' | 'farm' | 'host' | 'edge' | 'knock' | 'elsewhere'>,
): Listeners {
  const { env, store, edge, knock } = parts
  /** Those that do not answer. */
  let poor = new Map<string, Hearing>()
  const silent = () => new Set([...poor].flatMap(([id, hearing]) => (hearing === 'silent' ? [id] : [])))

  async function look(): Promise<boolean> {
    const seen = await edge?.answering()
    if (!seen) return false
    const before = silent()
    const isFine = [...seen.values()].every(({ answers }) => answers) && [...poor.keys()].every((id) => seen.has(id))
    poor = isFine ? new Map() : await judge(seen)
    const now = silent()
    return now.size !== before.size || [...now].some((id) => !before.has(id))
  }

  type Seen = Awaited<ReturnType<NonNullable<typeof edge>['answering']>>

  async function judge(seen: Seen): Promise<Map<string, Hearing>> {
    const [routes, guests] = await Promise.all([readAll<RouteRecord>(store, keys.routes), readEdgeGuests(parts)])
    const found = new Map<string, Hearing>()
    for (const { value } of routes) {
      const [id, spec] = [idOf(value.id), value.spec]
      const ranSeconds = ranSecondsOf(spec, guests, env.now())
      if (ranSeconds === undefined) continue
      const queueSeconds = queueSecondsOf(spec)
      const hearing = hearingOf({ before: poor.get(id), seen: seen.get(id), ranSeconds, queueSeconds })
      if (hearing !== undefined && hearing !== 'answers') found.set(id, hearing)
    }
    return found
  }

  return {
    hearing: (id) => poor.get(idOf(id)),
    silent,
    async ask({ id, spec }, isNew = false) {
      const guests = await readEdgeGuests(parts)
      const ranSeconds = ranSecondsOf(spec, guests, env.now())
      const guest = spec.target.kind === 'guest' ? findGuest(spec.target, guests) : undefined
      if (ranSeconds === undefined || !guest || spec.target.kind !== 'guest') return
      const found = await knock({ address: guest.address, port: spec.target.port })
      const key = idOf(id)
      // Whether it answers a check is for the edge to say.
      if (found === 'open' && (isNew || spec.check === undefined)) poor.delete(key)
      if (found === 'open') return
      const isLost = isNew && ranSeconds >= queueSecondsOf(spec)
      poor.set(key, isLost ? 'silent' : (poor.get(key) ?? 'waits'))
    },
    look,
  }
}
