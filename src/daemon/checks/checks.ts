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
  readonly routes: () => Promise<readonly RouteRef[]>
  /** The route as it is now; undefined when it is gone. */
  readonly subject: (name: string) => Promise<CheckSubject | undefined>
  readonly gather: (subject: CheckSubject) => Promise<CheckFacts>
  readonly everyMs: number
}

/** What is red of it. */
export interface WrongRoute {
  readonly route: string
  readonly findings: readonly Finding[]
}
export type RouteRef = Pick<CheckSubject, 'name' | 'id'>

export interface Checks {
  begin(): void
  /** Routes may be others now. */
  nudge(): void
  /** What was seen last, of every route. */
  list(): Promise<RouteCheck[]>
  /** What is believed to be wrong, of every route. */
  wrong(): Promise<WrongRoute[]>
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
  readonly route: RouteRef
  dueAt: number
  belief: Belief | undefined
  believedAt: string | undefined
  seen: Seen | undefined
  busy: Promise<void> | undefined
}

const doubtMs = 15_000
const tickMs = 1000
const rereadMs = 60_000
const atOnce = 8
/** One that hangs gives its place on. */
const patienceMs = 2000
const freshMs = 1000

export function createChecks(parts: ChecksParts): Checks {
  const { env, store, log, everyMs } = parts
  const items = new Map<string, Item>()
  const turns = createTurns(atOnce, env, patienceMs)
  const working = new Set<Promise<unknown>>()
  let timer: Disposable | undefined
  let readAt: number | undefined
  let closing = false
  let reading: Promise<void> | undefined

  /** Routes that came are soon looked at, one a second; those that went are forgotten. */
  async function reread(): Promise<void> {
    readAt = env.monotonicMs()
    const routes = await parts.routes()
    // Whoever looked before this host did: the newest is believed.
    const kept = (await readAll<CheckRecord>(store, keys.allChecks)).toSorted((a, b) => a.revision - b.revision)
    const records = new Map(kept.map(({ value }) => [value.id, value]))
    const ids = new Set(routes.map(({ id }) => id))
    for (const [name, item] of items) if (!ids.has(item.route.id)) items.delete(name)
    // Who only reads has no word in that.
    for (const { key, value } of kept)
      if (!ids.has(value.id)) await store.transact([], [{ delete: key }]).catch(() => undefined)
    const step = Math.min(1000, everyMs / Math.max(1, routes.length))
    const fresh = routes.filter(({ name }) => !items.has(name))
    for (const [index, route] of fresh.entries())
      items.set(route.name, newItem(route, records.get(route.id), env.monotonicMs() + index * step))
  }

  /** Who asks meanwhile gets what is read. */
  function readRoutes(): Promise<void> {
    reading ??= reread().finally(() => {
      reading = undefined
    })
    return reading
  }

  function look(item: Item): Promise<void> {
    item.busy ??= track(
      turns
        .take(() => lookOnce(item))
        .catch((thrown) => log.warn({ route: item.route.name, error: String(thrown) }, 'a check broke'))
        .finally(() => {
          item.busy = undefined
        }),
    )
    return item.busy
  }

  async function lookOnce(item: Item): Promise<void> {
    item.dueAt = env.monotonicMs() + jittered(env, everyMs)
    const subject = await parts.subject(item.route.name)
    if (subject?.id !== item.route.id) return
    const facts = await parts.gather(subject)
    const findings = judgeRoute(subject, facts)
    const at = timestamp(env)
    const { belief, changed, doubt } = believe(item.belief, { last: item.seen?.findings ?? [], now: findings }, at)
    const firstByteMs = facts.http && !failed(facts.http) ? Math.round(facts.http.firstByteMs) : null
    item.seen = { at, atMs: env.monotonicMs(), findings, firstByteMs }
    if (doubt) item.dueAt = env.monotonicMs() + Math.min(doubtMs, everyMs)
    if (!changed || items.get(subject.name) !== item) return
    await write(subject, belief, at)
    Object.assign(item, { belief, believedAt: at })
  }

  async function write({ name, id }: RouteRef, belief: Belief, at: string): Promise<void> {
    const value: CheckRecord = { schema: 1, route: name, id, at, ...belief }
    await store.transact([], [{ put: keys.check(parts.host.name, id), value }])
  }

  function tick(): void {
    if (closing) return
    timer = env.later(tickMs, tick)
    const now = env.monotonicMs()
    if (readAt === undefined || now - readAt >= rereadMs)
      track(readRoutes().catch((thrown) => log.warn({ error: String(thrown) }, 'routes to check cannot be read')))
    for (const item of items.values()) if (item.dueAt <= now && !item.busy) look(item)
  }

  function track<T>(work: Promise<T>): Promise<T> {
    working.add(work)
    work.finally(() => working.delete(work)).catch(() => {})
    return work
  }

  async function find(route: string): Promise<Item> {
    if (!items.has(route)) await readRoutes()
    const item = items.get(route)
    if (item) return item
    throw new CroftError('NOT_FOUND', `no route "${route}"`, { hint: 'croft route ls' })
  }

  return {
    begin() {
      if (!timer) tick()
    },
    nudge() {
      readAt = undefined
    },
    async list() {
      await readRoutes()
      return [...items.values()].map(viewOf)
    },
    async wrong() {
      await readRoutes()
      return [...items.values()].flatMap(({ route, belief }) => {
        const findings = (belief?.findings ?? []).filter(({ verdict }) => verdict === 'red')
        return findings.length === 0 ? [] : [{ route: route.name, findings }]
      })
    },
    last: async (route) => viewOf(await find(route)),
    async lookNow(route) {
      await readRoutes()
      const item = await find(route)
      const fresh = item.seen && env.monotonicMs() - item.seen.atMs < freshMs
      if (!fresh) await look(item)
      return viewOf(item)
    },
    async close() {
      closing = true
      timer?.[Symbol.dispose]()
      await Promise.allSettled(working)
    },
  }
}

const newItem = (route: RouteRef, record: CheckRecord | undefined, dueAt: number): Item => ({
  ...{ route, dueAt, belief: record, believedAt: record?.at, seen: undefined, busy: undefined },
})

function viewOf({ route, belief, believedAt, seen }: Item): RouteCheck {
  const findings = seen?.findings ?? belief?.findings ?? []
  return {
    route: route.name,
    verdict: verdictOf(findings),
    believed: belief ? verdictOf(belief.findings) : null,
    at: seen?.at ?? believedAt ?? null,
    findings,
    firstByteMs: seen?.firstByteMs ?? null,
    changes: belief?.changes ?? [],
  }
}

/** So that routes that came together part. */
const jittered = (env: Env, ms: number): number => ms * (0.9 + (0.2 * Number.parseInt(env.randomHex(2), 16)) / 65_536)
