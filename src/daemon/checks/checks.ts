/**
 * Every route is looked at each few minutes, spread evenly, so many at a time. What is believed of it lies in the store and
 * is written when it changes; what was seen last lies in memory. Whoever asks for a look shares the one under way.
 */
import type { RouteCheck } from '../../api/check.ts'
import { CroftError } from '../../api/errors.ts'
import type { Finding } from '../../api/resources.ts'
import { type Belief, believe, verdictOf } from '../../plan/check/believe.ts'
import type { CheckFacts, CheckSubject } from '../../plan/check/facts.ts'
import { failed } from '../../plan/check/facts.ts'
import { judgeRoute } from '../../plan/check.ts'
import type { Store } from '../../store/store.ts'
import { type Env, timestamp } from '../env.ts'
import type { Log } from '../host/parts.ts'
import { createTurns } from '../host/turns.ts'
import { keys } from '../records/keys.ts'
import { readAll } from '../records/records.ts'

/** What is believed of a route. */
export interface CheckRecord extends Belief {
  readonly schema: number
  readonly route: string
  readonly id: string
  /** When it last changed. */
  readonly at: string
}

export interface ChecksParts {
  readonly env: Env
  readonly store: Store
  readonly host: { readonly name: string }
  readonly log: Log
  /** All routes that somebody could visit. */
  readonly subjects: () => Promise<readonly CheckSubject[]>
  readonly gather: (subject: CheckSubject) => Promise<CheckFacts>
  readonly everyMs?: number
}

export interface Checks {
  begin(): Promise<void>
  /** Routes may be others now. */
  nudge(): void
  /** What was seen last, of every route. */
  list(): Promise<RouteCheck[]>
  /** NOT_FOUND when no route has that name. */
  last(route: string): Promise<RouteCheck>
  lookNow(route: string): Promise<RouteCheck>
  close(): Promise<void>
}

interface Seen {
  readonly at: string
  readonly atMs: number
  readonly findings: readonly Finding[]
  readonly firstByteMs: number | null
}

interface Item {
  subject: CheckSubject
  dueAt: number
  belief: Belief | undefined
  believedAt: string | undefined
  seen: Seen | undefined
  busy: Promise<void> | undefined
}

const everyFiveMinutes = 300_000
const doubtMs = 15_000
const tickMs = 1000
const rereadMs = 60_000
const atOnce = 8
/** One that hangs gives its place on. */
const patienceMs = 2000
const freshMs = 1000

export function createChecks(parts: ChecksParts): Checks {
  const { env, store, log, everyMs = everyFiveMinutes } = parts
  const items = new Map<string, Item>()
  const turns = createTurns(atOnce, env, patienceMs)
  const working = new Set<Promise<unknown>>()
  let timer: Disposable | undefined
  let readAt: number | undefined
  let reading: Promise<void> | undefined
  let closed = false

  /** Routes that came are soon looked at, one a second; those that went are forgotten. */
  async function reread(): Promise<void> {
    readAt = env.monotonicMs()
    const subjects = await parts.subjects()
    const kept = await readAll<CheckRecord>(store, keys.checks(parts.host.name))
    const records = new Map(kept.map(({ value }) => [value.route, value]))
    const named = new Set(subjects.map(({ name }) => name))
    for (const name of items.keys()) if (!named.has(name)) items.delete(name)
    for (const name of records.keys())
      if (!named.has(name)) await store.transact([], [{ delete: keys.check(parts.host.name, name) }])
    let due = env.monotonicMs()
    const step = Math.min(1000, everyMs / Math.max(1, subjects.length))
    for (const subject of subjects) {
      const item = items.get(subject.name)
      if (item && item.subject.id === subject.id) item.subject = subject
      else items.set(subject.name, newItem(subject, records.get(subject.name), (due += step)))
    }
  }

  function reread1(): Promise<void> {
    reading ??= reread().finally(() => {
      reading = undefined
    })
    return reading
  }

  function look(item: Item): Promise<void> {
    item.busy ??= track(
      turns
        .take(() => lookOnce(item))
        .catch((thrown) => log.warn({ route: item.subject.name, error: String(thrown) }, 'a check broke'))
        .finally(() => {
          item.busy = undefined
        }),
    )
    return item.busy
  }

  async function lookOnce(item: Item): Promise<void> {
    item.dueAt = env.monotonicMs() + jittered(env, everyMs)
    const facts = await parts.gather(item.subject)
    const findings = judgeRoute(item.subject, facts)
    const at = timestamp(env)
    const { belief, changed, doubt } = believe(item.belief, { last: item.seen?.findings ?? [], now: findings }, at)
    const firstByteMs = facts.http && !failed(facts.http) ? Math.round(facts.http.firstByteMs) : null
    item.seen = { at, atMs: env.monotonicMs(), findings, firstByteMs }
    if (doubt) item.dueAt = env.monotonicMs() + Math.min(doubtMs, everyMs)
    if (!changed || items.get(item.subject.name) !== item) return
    await write(item.subject, belief, at)
    Object.assign(item, { belief, believedAt: at })
  }

  async function write({ name, id }: CheckSubject, belief: Belief, at: string): Promise<void> {
    const value: CheckRecord = { schema: 1, route: name, id, at, ...belief }
    await store.transact([], [{ put: keys.check(parts.host.name, name), value }])
  }

  function tick(): void {
    timer = env.later(tickMs, tick)
    const now = env.monotonicMs()
    if (readAt === undefined || now - readAt >= rereadMs)
      track(reread1().catch((thrown) => log.warn({ error: String(thrown) }, 'routes to check cannot be read')))
    for (const item of items.values()) if (item.dueAt <= now && !item.busy) look(item)
  }

  function track<T>(work: Promise<T>): Promise<T> {
    working.add(work)
    work.finally(() => working.delete(work)).catch(() => {})
    return work
  }

  async function find(route: string): Promise<Item> {
    if (!items.has(route)) await reread1()
    const item = items.get(route)
    if (item) return item
    throw new CroftError('NOT_FOUND', `no route "${route}"`, { hint: 'croft route ls' })
  }

  return {
    async begin() {
      if (!timer) tick()
    },
    nudge() {
      readAt = undefined
    },
    async list() {
      await reread1()
      return [...items.values()].map(viewOf)
    },
    last: async (route) => viewOf(await find(route)),
    async lookNow(route) {
      await reread1()
      const item = await find(route)
      const fresh = item.seen && env.monotonicMs() - item.seen.atMs < freshMs
      if (!fresh) await look(item)
      return viewOf(item)
    },
    async close() {
      closed = true
      timer?.[Symbol.dispose]()
      await Promise.allSettled(working)
    },
  }
}

function newItem(subject: CheckSubject, record: CheckRecord | undefined, dueAt: number): Item {
  const ours = record?.id === subject.id ? record : undefined
  return { subject, dueAt, belief: ours, believedAt: ours?.at, seen: undefined, busy: undefined }
}

function viewOf({ subject, belief, believedAt, seen }: Item): RouteCheck {
  const findings = seen?.findings ?? belief?.findings ?? []
  return {
    route: subject.name,
    verdict: verdictOf(findings),
    at: seen?.at ?? believedAt ?? null,
    findings,
    firstByteMs: seen?.firstByteMs ?? null,
    changes: belief?.changes ?? [],
  }
}

/** So that routes that came together part. */
const jittered = (env: Env, ms: number): number => ms * (0.9 + (0.2 * Number.parseInt(env.randomHex(2), 16)) / 65_536)
