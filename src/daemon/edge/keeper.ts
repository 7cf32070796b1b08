/**
 * Keeps the edge at what the records say. Many changes may ask at once: while one is under way the next ones gather and go
 * together. A host that works by its kept plan knows no routes: it leaves the edge as it is.
 */

import type { EdgeSettings } from '../../api/edge.ts'
import { toCroftError } from '../../api/errors.ts'
import type { Edge, Missed, SiteCounters } from '../../drivers/edge/driver.ts'
import { withoutMalformed } from '../../drivers/edge/malformed.ts'
import { listensIn, portsIn } from '../../drivers/edge/missed.ts'
import { type EdgeGuest, idOf, planEdge } from '../../plan/edge.ts'
import type { EdgeStatus } from '../../plan/edge-events.ts'
import { describeMissed, insteadOf, type MissedRoute, missedBy } from '../../plan/edge-missed.ts'
import { timestamp } from '../env.ts'
import type { HostParts } from '../host/parts.ts'
import { keys } from '../records/keys.ts'
import { type Held, type RouteRecord, readAll } from '../records/records.ts'
import { readEdgeGuests } from '../records/routes.ts'
import { readEdgeInput } from './input.ts'
import { createLeaving, type Leaving } from './leaving.ts'
import { createLending } from './lending.ts'
import { createListeners, type Listeners } from './listeners.ts'

export interface EdgeKeeper extends Pick<Leaving, 'leadsTo' | 'leave' | 'back'> {
  /** Returns when the edge serves what the records say. An edge in trouble is told of, and fails nothing else. */
  refresh(): Promise<void>
  /** A little later: while a guest starts, its disk and its firewall go first. */
  refreshSoon(): void
  /** Refreshes at each change that makes the edge another; certificates tell of themselves, guests' records the loop. */
  follow(from: string, signal: AbortSignal): void
  /** Why this route is not served, though its target is there; in one line. */
  whyNot(route: MissedRoute): string | undefined
  /** All that keeps it from serving what it should. */
  troubles(): Trouble[]
  /** By the route's id; undefined when the edge cannot be asked. */
  counters(): Promise<ReadonlyMap<string, SiteCounters> | undefined>
  readonly listeners: Listeners
}

export interface Trouble {
  readonly why: string
  /** When it is about an address: its port, and what helps who leaves it to others. */
  readonly port?: number | undefined
  readonly instead?: string
}

const soonMs = 60
const againMs = 1000
/** A port may be free by then. */
const retryMs = 3000
/** One that was killed takes every site away: it is missed sooner than the rest. */
const missedMs = 2000
const listenMs = 5000

/** `hear` is told the ports that the edge hears. */
export function createEdgeKeeper(parts: HostParts, hear: (ports: readonly number[]) => Promise<void>): EdgeKeeper {
  const { env, store, host, log, edge } = parts
  const statuses = keys.guestStatuses(host.name)
  const listeners = createListeners(parts)
  const lending = createLending(parts)
  let soon: { readonly at: number; readonly timer: Disposable } | undefined
  /** For what the next one is: a change of this revision, or whatever is found. */
  let wanted = 0
  /** The revision of the store that the edge was told last, or is being told. */
  let told = 0
  let next: Promise<void> | undefined
  let running: Promise<void> = Promise.resolve()
  let trouble: string | undefined
  /** A host without routes starts no edge, and asks after one only once. */
  let serves = true
  /** It was seen to serve: one that starts has not died. */
  let isUp = false
  let died = false
  let missed: readonly Missed[] = []
  /** By the route's name: why it is left out. */
  let leftOut: ReadonlyMap<string, string> = new Map()
  let settings: EdgeSettings = {}
  /** Where it was told to hear, without what it missed. */
  let listens: readonly string[] = []
  const leaving = createLeaving({
    ...{ env, edge },
    refresh: () => refresh(),
    refreshSoon: () => refreshSoon(),
  })

  const whole = () => (edge ? trouble : 'the store is away: the edge serves as it was last told')

  async function bring(): Promise<void> {
    if (!edge) return
    try {
      told = (await store.get(keys.farm)).revision
      const [routes, guests] = await Promise.all([readAll<RouteRecord>(store, keys.routes), readEdgeGuests(parts)])
      if (routes.length === 0 && guests.every(({ certificate }) => certificate === undefined)) await end(edge, guests)
      else await serve(edge, routes, guests)
      trouble = undefined
      if (missed.length > 0) refreshSoon(retryMs)
    } catch (thrown) {
      const { code, message } = toCroftError(thrown)
      trouble = message.split('\n', 2).join(': ')
      log.warn({ code }, `the edge does not serve as it should: ${message}`)
      refreshSoon(retryMs)
    }
    await tellWhatIsHeard(edge)
  }

  /** In trouble it may serve still what it was told before. The firewall's own trouble is told by whoever looks at it next. */
  async function tellWhatIsHeard(edge: Edge): Promise<void> {
    if (trouble !== undefined) listens = await heardBy(edge)
    await hear(portsIn(listens)).catch(() => undefined)
  }

  async function serve(edge: Edge, routes: readonly Held<RouteRecord>[], guests: readonly EdgeGuest[]): Promise<void> {
    serves = true
    const records = routes.map(({ value }) => value)
    const input = await readEdgeInput(
      parts,
      records,
      guests.map((guest) => ({ ...guest, leaves: leaving.isLeaving(guest.number) })),
    )
    await lending.lend(guests, input.lent)
    const { wish, malformed } = withoutMalformed(planEdge({ ...input, silent: listeners.silent() }))
    noteLeftOut(
      new Map(malformed.map(({ id, why }) => [records.find((each) => idOf(each.id) === id)?.name ?? id, why])),
    )
    parts.failpoint('edge.before')
    const change = await edge.serve(wish)
    isUp = true
    parts.failpoint('edge.after')
    leaving.told(wish, input.guests)
    settings = input.settings
    noteMissed(await edge.missed())
    listens = listensIn(wish).filter((each) => !missed.some(({ listen }) => listen === each))
    if (change !== 'none') log.info({ change, routes: routes.length }, 'the edge serves')
  }

  async function end(edge: Edge, guests: readonly EdgeGuest[]): Promise<void> {
    isUp = false
    if (serves && (await edge.state()).running) {
      parts.failpoint('edge.before')
      await edge.stop()
      parts.failpoint('edge.after')
    }
    await lending.lend(guests, await parts.certificates.certificatesFor([]))
    leaving.told({ sites: [] }, [])
    serves = false
    missed = []
    leftOut = new Map()
    listens = []
  }

  function noteLeftOut(now: ReadonlyMap<string, string>): void {
    for (const [route, why] of now) if (leftOut.get(route) !== why) log.warn({ route }, `it is not served: ${why}`)
    leftOut = now
  }

  function noteMissed(now: readonly Missed[]): void {
    for (const each of now)
      if (!missed.some(({ listen, why }) => listen === each.listen && why === each.why))
        log.warn({ listen: each.listen }, describeMissed(each))
    missed = now
  }

  function refresh(): Promise<void> {
    next ??= running.then(() => {
      next = undefined
      running = bring()
      return running
    })
    return next
  }

  function refreshSoon(ms = soonMs, revision = Number.POSITIVE_INFINITY): void {
    wanted = Math.max(wanted, revision)
    const at = env.monotonicMs() + ms
    if (soon && soon.at <= at) return
    soon?.timer[Symbol.dispose]()
    const timer = env.later(ms, () => {
      soon = undefined
      // Who writes a route has it told, and waits for that.
      if (wanted > told) refresh()
      wanted = 0
    })
    soon = { at, timer }
  }

  /** The loop tells when the store is away. What was missed meanwhile is found by looking at everything. */
  async function follow(prefix: string, from: string | undefined, signal: AbortSignal): Promise<void> {
    try {
      // Who writes a route has it told, and waits for that.
      for await (const { revision } of store.watch(prefix, { ...(from === undefined ? {} : { from }), signal }))
        refreshSoon(soonMs, revision)
    } catch {
      if (signal.aborted) return
      env.later(againMs, () => {
        if (signal.aborted) return
        follow(prefix, undefined, signal)
        refresh()
      })
    }
  }

  /** A change of this record is an event. */
  async function tell(state: EdgeStatus['state']): Promise<void> {
    died = state === 'died'
    const value: EdgeStatus = { name: 'edge', state, at: timestamp(env) }
    await store.transact([], [{ put: keys.edgeStatus(host.name), value }]).catch(() => undefined)
  }

  function lookAfter(edge: Edge, signal: AbortSignal): void {
    if (signal.aborted) return
    env.later(missedMs, async () => {
      const lives = !serves || (await edge.state().catch(() => undefined))?.running !== false
      if (signal.aborted) return
      if (lives && died) await tell('serves')
      if (!lives && serves && trouble === undefined) {
        if (isUp) await tell('died')
        await refresh()
      }
      lookAfter(edge, signal)
    })
  }

  /** By the kept plan. */
  function reviveAfter(signal: AbortSignal): void {
    env.later(missedMs, async () => {
      if (signal.aborted) return
      const revived = await parts.keptEdge?.revive().catch((thrown) => log.warn({}, toCroftError(thrown).message))
      if (revived) log.info({}, 'the edge was down and serves again as it was last told')
      reviveAfter(signal)
    })
  }

  function listenAfter(signal: AbortSignal): void {
    if (signal.aborted) return
    env.later(listenMs, async () => {
      if (serves && (await listeners.look().catch(() => false)) && !signal.aborted) await refresh()
      listenAfter(signal)
    })
  }

  return {
    ...leaving,
    refresh,
    listeners,
    refreshSoon: () => refreshSoon(),
    follow(from, signal) {
      if (!edge) return reviveAfter(signal)
      lookAfter(edge, signal)
      listenAfter(signal)
      for (const prefix of [keys.farm, keys.routes, keys.members, keys.acmeTokens, statuses])
        follow(prefix, from, signal)
    },
    whyNot: (route) => whole() ?? leftOut.get(route.name) ?? missedBy(route, settings, missed),
    troubles() {
      const why = whole()
      if (why !== undefined) return [{ why }]
      const unheard = missed.map((each) => ({
        why: describeMissed(each),
        port: portsIn([each.listen])[0],
        instead: insteadOf(each, settings),
      }))
      return [...unheard, ...[...leftOut].map(([route, reason]) => ({ why: `route "${route}": ${reason}` }))]
    },
    counters: async () => (edge && serves ? edge.counters().catch(() => undefined) : undefined),
  }
}

/** Of the process; nothing when it does not run. */
export async function heardBy(edge: Edge): Promise<readonly string[]> {
  const state = await edge.state().catch(() => undefined)
  return state?.running ? state.listens : []
}
