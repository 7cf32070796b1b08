/** The replicas that this host has a part in: those of its guests, and those that lie here. What does the work is loaded with the first. */
import { CroftError, isCode, toCroftError } from '../../api/errors.ts'
import { againMs, dueAt, planTidy } from '../../plan/replica.ts'
import type { HostParts } from '../host/parts.ts'
import { createTurns } from '../host/turns.ts'
import { keys } from '../records/keys.ts'
import { type HostRecord, read, readAll } from '../records/records.ts'
import {
  guestOfReplica,
  hostOfGuest,
  isMet,
  type ReplicaPair,
  readReplicas,
  replicaGoal,
  timingOf,
} from '../records/replicas.ts'
import { tellLate } from './late.ts'

export interface Replicas {
  begin(): void
  /** What is sent for it ends, and who waits for it hears so. */
  cancel(id: string): void
  close(): Promise<void>
}

const storeAgainMs = 3000
/** A croft that knows no replicas tells nobody that it has moved a guest, or removed it. */
const targetLookMs = 60_000
/** A moment far away is looked at again before: clocks are set. */
const longestMs = 600_000
const atOnce = 2
const patienceMs = 86_400_000

interface Work {
  readonly id: string
  readonly abort: AbortController
  readonly done: Promise<void>
}

interface Failures {
  readonly count: number
  /** On the monotonic clock. */
  readonly retryAt: number
  /** What is asked for anew is not held back by what failed before. */
  readonly asked: string
}

type DoWork = (signal: AbortSignal) => Promise<void>
const never = Number.POSITIVE_INFINITY

export function createReplicas(parts: HostParts): Replicas {
  const { store, host, env, log, operations } = parts
  const works = new Map<string, Work>()
  const failures = new Map<string, Failures>()
  /** What broke off may have left something: a walk takes it away, also when nothing is due. */
  const unclean = new Set<string>()
  const turns = createTurns(atOnce, env, patienceMs)
  const closing = new AbortController()
  let looking: Promise<void> = Promise.resolve()
  let asked = false
  let swept = false
  let timer: Disposable | undefined
  let failed = false

  /** Many changes at once are looked at once. */
  function look(): void {
    if (asked) return
    asked = true
    looking = looking.then(lookOnce).then(
      (nextMs) => {
        failed = false
        lookLater(nextMs)
      },
      (thrown) => {
        if (closing.signal.aborted) return
        if (!failed) log.error({ error: String(thrown) }, 'looking at replicas failed; trying again until it works')
        failed = true
        lookLater(storeAgainMs)
      },
    )
  }

  function lookLater(ms: number): void {
    timer?.[Symbol.dispose]()
    timer = ms === never || closing.signal.aborted ? undefined : env.later(Math.min(ms, longestMs), look)
  }

  /** How long until something is due, as far as is known now. */
  async function lookOnce(): Promise<number> {
    asked = false
    if (closing.signal.aborted) return never
    const upTo = operations.mark()
    const pairs = await readReplicas(store)
    settle(pairs, upTo)
    await sweepOnce(pairs)
    for (const [key, { id, abort }] of works)
      if (!pairs.some(({ record }) => record.key === key && record.value.id === id)) abort.abort(unwanted())
    if (pairs.length === 0) return never
    const hosts = (await readAll<HostRecord>(store, keys.hosts)).filter(({ value }) => value.dead === undefined)
    const living = new Set(hosts.map(({ value }) => value.name))
    const lookIn = await Promise.all(pairs.flatMap((pair) => [lookAt(pair, living), tellLate(parts, pair)]))
    return Math.min(...lookIn)
  }

  async function sweepOnce(pairs: readonly ReplicaPair[]): Promise<void> {
    if (swept || !parts.elsewhere.several()) return
    const { sweepPasses } = await import('./sweep.ts')
    await sweepPasses(parts, pairs)
    swept = true
  }

  async function lookAt(pair: ReplicaPair, living: ReadonlySet<string>): Promise<number> {
    const { key, value } = pair.record
    const { from, host: to, deleting = false, cleared = false } = value
    if (from !== host.name && to !== host.name) return never
    const side = from === host.name ? 'source' : 'target'
    const guest = (await guestOfReplica(store, value))?.value
    const work = works.get(key)
    if (work) {
      if (side === 'source' && (deleting || guest?.deleting || guest?.moving)) work.abort.abort(unwanted())
      return never
    }
    const otherLives = living.has(side === 'source' ? to : from)
    const mayHaveMoved = side === 'target' && !deleting && !guest
    const guestMoved = mayHaveMoved && (await hostOfGuest(store, value)) !== undefined
    const step = planTidy({ side, deleting, cleared, guestLives: guest !== undefined, guestMoved, otherLives })
    const isNow = step !== undefined || unclean.has(key)
    const waitMs = waitOf(pair, !isNow ? dueAt(timingOf(pair), env.now()) - env.now() : 0)
    if (step === undefined && side === 'target') return targetLookMs
    if (step === undefined && (deleting || !guest || guest.deleting || guest.moving)) return never
    if (waitMs > 0) return waitMs
    // What a move leaves on its two hosts is being cleared up.
    if (await read(store, keys.move(value.number))) return storeAgainMs
    begin(pair, async (signal) => {
      if (step === undefined) await (await import('./walk.ts')).walkReplica({ parts, signal }, value)
      else await (await import('./tidy.ts')).tidyReplica(parts, pair.record, step)
    })
    return never
  }

  function waitOf({ record }: ReplicaPair, dueMs: number): number {
    const before = failures.get(record.key)
    const isAnew = before === undefined || before.asked !== record.value.asked
    return Math.max(dueMs, isAnew ? 0 : before.retryAt - env.monotonicMs())
  }

  function begin(pair: ReplicaPair, work: DoWork): void {
    const { key, value } = pair.record
    const abort = new AbortController()
    const done = turns
      .take(() => work(abort.signal))
      .then(
        () => {
          failures.delete(key)
          unclean.delete(key)
        },
        (thrown) => {
          unclean.add(key)
          return fail(pair, abort.signal, thrown).catch(() => undefined)
        },
      )
      .then(() => {
        works.delete(key)
        look()
      })
    works.set(key, { id: value.id, abort, done })
  }

  async function fail({ record }: ReplicaPair, { aborted }: AbortSignal, thrown: unknown): Promise<void> {
    if (aborted || closing.signal.aborted || isCode(thrown, 'CHANGED_MEANWHILE')) return
    const { key, value } = record
    const count = (failures.get(key)?.count ?? 0) + 1
    const isDear = isCode(thrown, 'TOO_LARGE') || isCode(thrown, 'POOL_FULL')
    failures.set(key, { count, retryAt: env.monotonicMs() + againMs(count, value.everyMs, isDear), asked: value.asked })
    const error = toCroftError(thrown)
    if (count === 1) log.warn({ replica: key, error: error.message }, 'a replica waits, and is tried again')
    const { tellFailure } = await import('./tell.ts')
    await tellFailure(parts, value, error)
  }

  /** What was asked for is done, or is wanted no more; also when the daemon that did it died before it said so. */
  function settle(pairs: readonly ReplicaPair[], upTo: number): void {
    for (const goal of operations.goals()) {
      if (goal.kind !== 'replica') continue
      const pair = pairs.find(({ record }) => record.value.id === goal.id && !record.value.deleting)
      if (!pair) operations.settle(goal, upTo, { end: 'failed', error: unwanted() })
      else if (isMet(pair)) operations.settle(goal, upTo, { end: 'met' })
    }
  }

  async function follow(prefix: string): Promise<void> {
    try {
      const batches = store.watch(prefix, { signal: closing.signal })
      look()
      for await (const _ of batches) look()
    } catch {
      if (!closing.signal.aborted) env.later(storeAgainMs, () => void follow(prefix))
    }
  }

  return {
    begin() {
      for (const prefix of [keys.replicas, keys.replicaStatuses, keys.guests(host.name), keys.hosts])
        void follow(prefix)
    },
    cancel(id) {
      works
        .values()
        .find((work) => work.id === id)
        ?.abort.abort(unwanted())
      operations.settle(replicaGoal(id), operations.mark(), { end: 'failed', error: unwanted() })
    },
    async close() {
      closing.abort()
      timer?.[Symbol.dispose]()
      for (const { abort } of works.values()) abort.abort(new CroftError('STORE_CLOSED', 'the daemon ends'))
      await looking
      await Promise.allSettled([...works.values()].map(({ done }) => done))
    },
  }
}

const unwanted = (): CroftError => new CroftError('CANCELLED', 'this replica is wanted no more')
