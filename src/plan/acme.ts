/**
 * When a certificate is asked for, for which names, and when something that failed is tried again. Pure: from what is
 * served, what is there, what name servers say and what went wrong before.
 *
 *     not settled ── looked at ──► points here ── ordered ──► has a certificate ── 2/3 of its life ──► not settled
 *         ▲               │ elsewhere, no answer      │ refused
 *         └── back-off ◄──┴───────────────────────────┘          (the others of the set go on without it)
 */
import { covers, type HeldCertificate, isValid } from './certificate-sets.ts'
import { renewsAt } from './certificates.ts'

const minute = 60_000
const hour = 60 * minute
/** 300 orders in three hours are the limit of the best-known CA; some are left for people. */
const pace = { orders: 250, withinMs: 3 * hour } as const
/** A name that points elsewhere is looked at again soon, for somebody is about to change that. */
const longest = { look: hour, order: 12 * hour, asked: 7 * 24 * hour } as const
/** A server forgets its orders. */
const orderLivesMs = 6 * 24 * hour

export interface Trouble {
  readonly reason: string
  readonly at: number
  readonly failures: number
  readonly retryAt: number
  /** Who said so: name servers, which may be asked again at any time, or the ACME server, which counts. */
  readonly by: 'names' | 'server'
}

/** An order at the server that is not done; its key is sealed. */
export interface OpenOrder {
  readonly directory: string
  readonly names: readonly string[]
  readonly key: string
  readonly begun: number
  readonly url?: string
}

/** What is kept of one set of names. */
export interface SetState {
  readonly names: Readonly<Record<string, Trouble>>
  /** Of all of them together. */
  readonly trouble?: Trouble
  /** When orders were made, of the last hours. */
  readonly ordered: readonly number[]
  readonly order?: OpenOrder
}
export const freshState: SetState = { names: {}, ordered: [] }

export interface Verdict {
  readonly name: string
  /** Absent: it may be ordered. */
  readonly reason?: string
  /** false: nobody could tell. */
  readonly certain: boolean
}

/** What is there, and until when it settles each name. */
export interface Settling {
  readonly held: readonly HeldCertificate[]
  /** Until when nothing has to be done for the name; 0: now. */
  until(name: string): number
}

/**
 * `counts`: what another server gave settles no name. What is valid by the server's clock soon counts as there. One look at
 * all certificates, for there may be a thousand names.
 */
export function settle(
  held: readonly HeldCertificate[],
  counts: (certificate: HeldCertificate) => boolean,
  now: number,
): Settling {
  const index = new Map<string, number>()
  for (const each of held) {
    if (each.kind === 'farm' || !counts(each) || each.until <= now) continue
    const at = each.kind === 'imported' ? each.until : renewsAt(each)
    for (const name of each.names) index.set(name, Math.max(index.get(name) ?? 0, at))
  }
  const until = (name: string) =>
    Math.max(index.get(name) ?? 0, index.get(`*.${name.slice(name.indexOf('.') + 1)}`) ?? 0)
  return { held, until }
}

/**
 * When the set is to be looked at. What was ordered rests for a while, even when the certificate that came would be due
 * already: where clocks differ it would be asked for without end.
 */
export function dueAt(names: readonly string[], state: SetState, settling: Settling, now: number): number {
  const rested = Math.max(0, ...state.ordered) + pace.withinMs
  const times = names.map((name) => {
    const settled = settling.until(name)
    return Math.max(
      settled > 0 && settled <= now ? Math.max(settled, rested) : settled,
      state.names[name]?.retryAt ?? 0,
    )
  })
  return Math.max(state.trouble?.retryAt ?? 0, Math.min(...times))
}

/** Of a certificate that is there, the last sixth of its life. */
const isUrgent = ({ from, until }: HeldCertificate, now: number): boolean => now > until - (until - from) / 6

export type Choice = { readonly order: readonly string[] } | { readonly postponed: string }

/**
 * What to order. A name that nobody can tell about just now, and that has a certificate, is waited for: the next
 * certificate shall not lack it because a name server was away.
 */
export function chooseNames(verdicts: readonly Verdict[], state: SetState, settling: Settling, now: number): Choice {
  const blocked = ({ name }: Verdict) => state.names[name]?.by === 'server' && (state.names[name]?.retryAt ?? 0) > now
  const passing = verdicts.filter((each) => each.reason === undefined && !blocked(each)).map(({ name }) => name)
  if (!passing.some((name) => settling.until(name) <= now)) return { order: [] }
  const bears = (name: string) =>
    settling.held.some(
      (each) => each.kind === 'acme' && isValid(each, now) && !isUrgent(each, now) && covers(each, name),
    )
  const unsure = verdicts.find(({ name, reason, certain }) => reason !== undefined && !certain && bears(name))
  if (unsure) return { postponed: `${unsure.name}: ${unsure.reason}` }
  const given = (name: string) =>
    settling.held.some((each) => each.kind === 'imported' && isValid(each, now) && covers(each, name))
  return { order: passing.filter((name) => !given(name)) }
}

/** An order of exactly this that was left. */
export function findOrder(
  state: SetState,
  wanted: Pick<OpenOrder, 'directory' | 'names'>,
  now: number,
): OpenOrder | undefined {
  const { order } = state
  const same = order?.directory === wanted.directory && order.names.join() === wanted.names.join()
  return order && same && now - order.begun < orderLivesMs ? order : undefined
}

/** How long until one more may be ordered. */
export function paceMs(states: Iterable<SetState>, now: number): number {
  const times = [...states].flatMap(({ ordered }) => ordered).filter((at) => at > now - pace.withinMs)
  if (times.length < pace.orders) return 0
  return (times.sort((one, two) => one - two)[times.length - pace.orders] ?? now) + pace.withinMs - now
}

/** 1, 2, 4 … minutes; `chance` is from 0 to 1 and keeps many from coming back at one moment. */
export function backOffMs(failures: number, chance: number, most: number = longest.order): number {
  const plain = Math.min(most, minute * 2 ** Math.min(Math.max(failures, 1) - 1, 20))
  return Math.round(plain * (0.9 + 0.2 * chance))
}

export interface Moment {
  readonly now: number
  readonly chance: number
}

/** Names that are served no longer are forgotten; those that point here now, too. */
export function afterLook(state: SetState, verdicts: readonly Verdict[], { now, chance }: Moment): SetState {
  const names: Record<string, Trouble> = {}
  for (const { name, reason } of verdicts) {
    const known = state.names[name]
    if (reason !== undefined) names[name] = next(known, { reason, by: 'names' }, { now, chance, most: longest.look })
    else if (known?.by === 'server') names[name] = known
  }
  return { ...state, names, ordered: state.ordered.filter((at) => at > now - pace.withinMs) }
}

export interface Refusal {
  readonly reason: string
  readonly names: readonly { readonly name: string; readonly reason: string }[]
  readonly later: boolean
  readonly retryAfterMs?: number
}

/** Names that were refused wait; the others go on at once. What is nobody's fault is waited for by all, and the order kept. */
export function afterRefusal(state: SetState, refusal: Refusal, { now, chance }: Moment): SetState {
  const { order, trouble: _, ...rest } = state
  const blamed = refusal.names.filter(({ name }) => order?.names.includes(name))
  const at = {
    now,
    chance,
    most: longest.order,
    ...(refusal.retryAfterMs === undefined ? {} : { leastMs: refusal.retryAfterMs }),
  }
  if (!refusal.later && blamed.length > 0) {
    const fresh = blamed.map(
      ({ name, reason }) => [name, next(state.names[name], { reason, by: 'server' }, at)] as const,
    )
    return { ...rest, names: { ...state.names, ...Object.fromEntries(fresh) } }
  }
  const trouble = next(state.trouble, { reason: refusal.reason, by: 'server' }, at)
  return { ...rest, trouble, ...(refusal.later && order ? { order } : {}) }
}

export function afterIssue({ names, ordered, order }: SetState): SetState {
  const left = Object.entries(names).filter(([name]) => !order?.names.includes(name))
  return { names: Object.fromEntries(left), ordered }
}

/** Somebody asked: what failed is tried at once, and the count of failures stays. */
export function atOnce(state: SetState): SetState {
  const now = (trouble: Trouble): Trouble => ({ ...trouble, retryAt: 0 })
  const names = Object.entries(state.names).map(([name, trouble]) => [name, now(trouble)] as const)
  return { ...state, names: Object.fromEntries(names), ...(state.trouble ? { trouble: now(state.trouble) } : {}) }
}

function next(
  known: Trouble | undefined,
  said: Pick<Trouble, 'reason' | 'by'>,
  { now, chance, most, leastMs = 0 }: Moment & { readonly most: number; readonly leastMs?: number },
): Trouble {
  const failures = (known?.failures ?? 0) + 1
  const waitMs = Math.max(backOffMs(failures, chance, most), Math.min(leastMs, longest.asked))
  return { ...said, at: now, failures, retryAt: now + waitMs }
}
