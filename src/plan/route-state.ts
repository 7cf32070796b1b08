/**
 * What a route is now, and whether requests wait for who does not answer: pure. A guest that starts, or whose program starts again, is waited for:
 * that is what the queue is for. When nobody has answered for as long as a request waits, the next ones are told at once.
 *
 *     answers ──refuses──► refuses, requests wait ──for as long as the queue──► silent, 503 at once ──answers──► answers
 */
import type { RouteSpec, RouteState } from '../api/edge.ts'
import type { Answering } from '../drivers/edge/driver.ts'
import { byItself, type EdgeGuest, type EdgeInput, findGuest, whyNot } from './edge.ts'
import { siteState } from './members.ts'

export interface RouteNow {
  readonly state: RouteState
  readonly reason?: string
  /** The command to try. */
  readonly mend?: string
}

/** As far as records tell, and what is known of who answers; whether the edge runs is not known here. */
export function routeState(
  spec: RouteSpec,
  { guests, sites }: Pick<EdgeInput, 'guests' | 'sites'>,
  hearing?: Hearing,
): RouteNow {
  const { target, maintenance } = spec
  const serves: RouteNow = { state: maintenance ? 'maintenance' : 'serves' }
  if (target.kind === 'site') {
    const now = siteState(target, sites, guests)
    return now.state === 'no-target' || (now.state === 'waits' && !maintenance) ? now : serves
  }
  if (target.kind !== 'guest') return serves
  const guest = findGuest(target, guests)
  const reason = whyNot(guest)
  if (reason !== undefined) return { state: 'no-target', reason, ...(guest ? { mend: mendOf(guest) } : {}) }
  if (!guest || maintenance) return serves
  if (guest.state !== 'running')
    return { state: 'waits', reason: `guest "${guest.name}" is ${guest.state ?? 'creating'}` }
  if (hearing === undefined || hearing === 'answers') return serves
  const silent = listensText(`${guest.name}:${target.port}`, spec)
  const mend = seeListeners(guest.name)
  return hearing === 'silent'
    ? { state: 'no-answer', reason: silent, mend }
    : { state: 'waits', reason: `${silent} yet; a request waits ${queueSecondsOf(spec)} s for it`, mend }
}

function mendOf({ name, run, state }: EdgeGuest): string {
  if (state === 'removing') return `croft show ${name}`
  return run === 'stopped' ? `croft start ${name}` : `croft logs ${name} --console`
}

/** `waits`: nobody answers yet. `silent`: nobody has for so long that nobody waits. */
export type Hearing = 'answers' | 'waits' | 'silent'

export interface Listener {
  readonly before: Hearing | undefined
  /** Undefined: it was not asked since its last start. */
  readonly seen: Answering | undefined
  /** How long its guest runs. */
  readonly ranSeconds: number
  readonly queueSeconds: number
}

/** Undefined: it is not known yet. */
export function hearingOf({ before, seen, ranSeconds, queueSeconds }: Listener): Hearing | undefined {
  if (seen?.answers) return 'answers'
  if (!seen && before !== 'silent') return undefined
  if (ranSeconds < queueSeconds) return 'waits'
  return before === 'silent' || (seen?.seconds ?? 0) >= queueSeconds ? 'silent' : 'waits'
}

/** Undefined: no guest that runs is to answer. */
export function ranSecondsOf({ target }: RouteSpec, guests: readonly EdgeGuest[], now: number): number | undefined {
  const guest = target.kind === 'guest' ? findGuest(target, guests) : undefined
  if (guest?.state !== 'running' || guest.run !== 'running') return undefined
  return guest.startedAt === undefined ? 0 : Math.max(0, (now - Date.parse(guest.startedAt)) / 1000)
}

export const queueSecondsOf = ({ queue }: RouteSpec): number => queue ?? byItself.queueSeconds

/** `web:8080` */
export const listensText = (place: string, { check }: Pick<RouteSpec, 'check'> = {}): string =>
  check === undefined ? `nothing listens on ${place}` : `${place} does not answer at ${check}`

export const seeListeners = (guest: string): string => `croft exec ${guest} -- ss -ltn`
