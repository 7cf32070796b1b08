/**
 * Long work as people see it. An operation is written with the wish it tells of, in the same transaction; the loops say
 * when that wish is met or failed. Log lines of running ones live in memory and are stored with the end.
 */
import { CroftError, type ErrorBody, isCode, toCroftError } from '../../api/errors.ts'
import type { Operation } from '../../api/resources.ts'
import type { Store, Write } from '../../store/store.ts'
import { type Env, timestamp } from '../env.ts'
import { keys } from '../records/keys.ts'
import { readAll } from '../records/records.ts'

export type Goal =
  | { readonly kind: 'guest'; readonly number: number }
  | { readonly kind: 'template' | 'build' | 'rollout' | 'move' | 'drain' | 'replica'; readonly id: string }

export type End =
  | { readonly end: 'gone' | 'met' }
  | { readonly end: 'waiting' }
  | { readonly end: 'failed'; readonly error: CroftError }

export interface OperationRecord extends Operation {
  readonly goal: Goal
}

interface Live {
  record: OperationRecord
  readonly sequence: number
  readonly log: string[]
  readonly waiters: Set<() => void>
}

const lookMs = 250
const keptLines = 500
const keptOperations = 300
const mostKnown = 1000
const deletesAtOnce = 90

export class Operations {
  private readonly live = new Map<string, Live>()
  /** What is told late of one that has ended does not begin it anew. */
  private readonly known = new Set<string>()
  private sequence = 0
  /** Of this daemon; undefined where there is no other. */
  private host: string | undefined
  private others = false
  private left = false
  private readonly ended = new Map<string, { verb: string; state: string; count: number }>()
  private readonly store: Store
  private readonly env: Env

  constructor(store: Store, env: Env) {
    this.store = store
    this.env = env
  }

  /** Running ones of a daemon that died: the loops will settle them. With other hosts there, those of this one alone. */
  async recover(host?: string, others = false): Promise<void> {
    this.host = host
    this.others = others
    const own = ({ goal, host: of }: OperationRecord) => !others || (of === host && !isOfFarm(goal))
    for (const record of await this.running()) if (own(record)) this.add(record)
  }

  /** What loops of the farm work on, with whoever leads it. */
  async takeOver(): Promise<void> {
    // A daemon without others has them all.
    if (!this.others) return
    for (const record of await this.running()) if (isOfFarm(record.goal) && !this.live.has(record.id)) this.add(record)
  }

  /** Another host leads the farm: who waits here asks there. */
  letGo(): void {
    for (const one of [...this.live.values()])
      if (isOfFarm(one.record.goal) && this.live.delete(one.record.id)) wake(one)
  }

  /** One that another host wrote for this one. False: it is known, or not this one's. */
  adopt(record: OperationRecord): boolean {
    const foreign = this.host !== undefined && record.host !== this.host
    if (foreign || record.state !== 'running' || this.known.has(record.id)) return false
    this.add(record)
    return true
  }

  private async running(): Promise<OperationRecord[]> {
    const records = await readAll<OperationRecord>(this.store, keys.operations)
    return records.map(({ value }) => value).filter(({ state }) => state === 'running')
  }

  /** The newest ended ones stay. */
  async prune(): Promise<void> {
    const records = await readAll<OperationRecord>(this.store, keys.operations)
    const ended = records.filter(({ value }) => value.state !== 'running').sort((a, b) => b.revision - a.revision)
    const deletes = ended.slice(keptOperations).map(({ key }): Write => ({ delete: key }))
    for (let from = 0; from < deletes.length; from += deletesAtOnce)
      await this.store.transact([], deletes.slice(from, from + deletesAtOnce))
  }

  /** The write goes into the transaction of the wish; call `begin` when that has succeeded. */
  prepare(
    by: string,
    verb: string,
    target: Operation['target'],
    { goal, host = this.host }: { readonly goal: Goal; readonly host?: string | undefined },
  ): { readonly write: Write; readonly begin: () => Operation } {
    const record: OperationRecord = {
      id: this.env.id(),
      verb,
      target,
      ...(host === undefined ? {} : { host }),
      by,
      state: 'running',
      created: timestamp(this.env),
      log: [],
      goal,
    }
    return {
      write: { put: keys.operation(record.id), value: record },
      begin: () => {
        this.adopt(record)
        return this.view(record)
      },
    }
  }

  private add(record: OperationRecord): void {
    this.known.add(record.id)
    if (this.known.size > mostKnown) this.known.delete(this.known.values().next().value ?? '')
    this.live.set(record.id, { record, sequence: ++this.sequence, log: [], waiters: new Set() })
  }

  /** Everything begun until now; a pass that looks after this moment speaks for those. */
  mark(): number {
    return this.sequence
  }

  /** A line of progress for all operations with that goal. */
  note(goal: Goal, line: string): void {
    for (const one of this.withGoal(goal)) {
      one.log.push(line.slice(0, 500))
      if (one.log.length > keptLines) one.log.shift()
      one.record = { ...one.record, progress: { label: line.slice(0, 120) } }
      wake(one)
    }
  }

  /** How far it is, for who looks now: no line of the log. */
  progress(goal: Goal, label: string): void {
    for (const one of this.withGoal(goal)) one.record = { ...one.record, progress: { label: label.slice(0, 120) } }
  }

  settle(goal: Goal, upTo: number, result: End): void {
    if (result.end === 'waiting' || this.left) return
    // What could not be told to a store that moves is told to the next: there the same pass is made again.
    if (result.end === 'failed' && isCode(result.error, 'STORE_MOVING')) return
    for (const one of this.withGoal(goal)) {
      if (one.sequence > upTo) continue
      if (result.end === 'failed')
        this.finish(one, result.error.code === 'CANCELLED' ? 'cancelled' : 'failed', {
          hint: whereToLook(one.record, result.error),
          ...result.error.toBody(),
          op: one.record.id,
        })
      else this.finish(one, 'done')
    }
  }

  /** Running ones, and those that ended since the daemon began. */
  counts(): { readonly running: number; readonly ended: readonly { verb: string; state: string; count: number }[] } {
    return { running: this.goals().length, ended: [...this.ended.values()] }
  }

  private count(verb: string, state: string): void {
    const known = this.ended.get(`${verb} ${state}`) ?? { verb, state, count: 0 }
    this.ended.set(`${verb} ${state}`, { ...known, count: known.count + 1 })
  }

  private finish(one: Live, state: Operation['state'], error?: ErrorBody): void {
    this.count(one.record.verb, state)
    const { progress: _, ...rest } = one.record
    one.record = { ...rest, state, finished: timestamp(this.env), log: one.log, ...(error ? { error } : {}) }
    this.store.transact([], [{ put: keys.operation(one.record.id), value: one.record }]).then(
      () => this.live.delete(one.record.id),
      () => {},
    )
    wake(one)
  }

  /** Answers when it ended, when it has more lines than `seen`, or after `ms`. */
  async wait(id: string, ms: number, seen?: number): Promise<Operation> {
    const one = this.live.get(id)
    if (!one) return this.waitStored(id, ms)
    const until = this.env.monotonicMs() + ms
    while (
      !this.left &&
      one.record.state === 'running' &&
      this.live.get(id) === one &&
      (seen === undefined || one.log.length <= seen)
    ) {
      const left = until - this.env.monotonicMs()
      if (left <= 0) break
      await nextChange(this.env, one, left)
    }
    return this.view({ ...one.record, log: one.log })
  }

  /** One that another host works on: told by what it writes. */
  private async waitStored(id: string, ms: number): Promise<Operation> {
    const until = this.env.monotonicMs() + ms
    for (;;) {
      const found = await this.get(id)
      const left = until - this.env.monotonicMs()
      if (found.state !== 'running' || left <= 0) return found
      await pause(this.env, Math.min(left, lookMs))
    }
  }

  /** Others go on with them: who waits here asks those. */
  leave(): void {
    this.left = true
    for (const one of this.live.values()) wake(one)
  }

  async get(id: string): Promise<Operation> {
    const one = this.live.get(id)
    if (one) return this.view({ ...one.record, log: one.log })
    const { entry } = await this.store.get(keys.operation(id))
    if (!entry) throw new CroftError('OPERATION_NOT_FOUND', `no operation ${id}`, { hint: 'croft op ls' })
    return this.view(entry.value as OperationRecord)
  }

  async list(): Promise<Operation[]> {
    const records = await readAll<OperationRecord>(this.store, keys.operations)
    return records
      .map(({ value }) => this.view(this.live.get(value.id)?.record ?? value))
      .sort((a, b) => (a.created < b.created ? 1 : -1))
  }

  goalOf(id: string): Goal | undefined {
    return this.live.get(id)?.record.goal
  }

  /** What running operations wait for. */
  goals(): Goal[] {
    return [...this.live.values()].filter(({ record }) => record.state === 'running').map(({ record }) => record.goal)
  }

  private withGoal(goal: Goal): Live[] {
    return [...this.live.values()].filter(({ record }) => record.state === 'running' && sameGoal(record.goal, goal))
  }

  private view({ goal: _, ...operation }: OperationRecord): Operation {
    return operation
  }
}

const isOfFarm = ({ kind }: Goal): boolean => kind === 'build' || kind === 'rollout'

const sameGoal = (a: Goal, b: Goal): boolean =>
  a.kind === 'guest' ? b.kind === 'guest' && a.number === b.number : a.kind === b.kind && a.id === b.id

function wake(one: Live): void {
  for (const waiter of one.waiters) waiter()
}

const pause = (env: Env, ms: number): Promise<void> =>
  new Promise((resolve) => {
    env.later(ms, resolve)
  })

function nextChange(env: Env, one: Live, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      timer[Symbol.dispose]()
      one.waiters.delete(done)
      resolve()
    }
    const timer = env.later(ms, done)
    one.waiters.add(done)
  })
}

/** For failures that do not know it themselves. */
function whereToLook({ id, target }: Operation, { code }: CroftError): string {
  const started = target.kind === 'guest' && code === 'START_FAILED'
  return started ? `croft show ${target.name} · croft logs ${target.name} --console` : `croft op show ${id}`
}

/** The error of a failed operation, to be thrown where the caller waited for it. */
export function errorOf(operation: Operation): CroftError | undefined {
  if (!operation.error) return undefined
  const { code, message, hint } = operation.error
  return toCroftError(new CroftError(code, message, { hint }))
}
