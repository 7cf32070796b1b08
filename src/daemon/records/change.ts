/**
 * How a wish is written: the record, its history, its operation and what it reserves, in one transaction that compares
 * everything it was decided on. Then the loop is nudged, and the caller may wait for the end.
 */
import { CroftError, isCode } from '../../api/errors.ts'
import type { Accepted, Operation } from '../../api/resources.ts'
import type { WriteQuery } from '../../api/schemas.ts'
import { historyWrites } from '../../store/history.ts'
import type { Compare, Write } from '../../store/store.ts'
import type { Daemon } from '../daemon.ts'
import { timestamp } from '../env.ts'
import type { Caller } from '../http/access.ts'
import { errorOf, type Goal } from '../operations/operations.ts'

export interface HistoryOf {
  readonly kind: string
  readonly name: string
  readonly verb: string
  readonly before: unknown
  readonly after: unknown
}

export interface Change extends HistoryOf {
  /** What else it changes, as its own history has it. */
  readonly also?: readonly HistoryOf[]
  readonly compare: readonly Compare[]
  readonly writes: readonly Write[]
  /** What the operation waits for; without one the change is complete once written. */
  readonly goal?: Goal
  /** Whose daemon does it; absent: this one's. */
  readonly host?: string
}

const tries = 100

/** `decide` reads and gives the change; it is asked again when what it read changed meanwhile. */
export async function commit(
  daemon: Daemon,
  caller: Caller,
  query: { reason?: string | undefined },
  decide: () => Promise<Change>,
): Promise<Operation | null> {
  for (let count = 1; ; count++) {
    const change = await decide()
    const operation =
      change.goal &&
      daemon.operations.prepare(
        caller.name,
        change.verb,
        { kind: change.kind, name: change.name },
        {
          ...{ goal: change.goal, host: change.host },
        },
      )
    try {
      await daemon.store.transact(change.compare, [
        ...change.writes,
        ...(change.writes.length > 0 ? historyOf(daemon, caller, query.reason, change) : []),
        ...alsoWrites(daemon, caller, query.reason, change),
        ...(operation ? [operation.write] : []),
      ])
      return operation?.begin() ?? null
    } catch (error) {
      if (!isCode(error, 'CHANGED_MEANWHILE') || count >= tries) throw error
    }
  }
}

export const alsoWrites = (
  daemon: Daemon,
  caller: Caller,
  reason: string | undefined,
  { also = [] }: Change,
): Write[] => also.flatMap((each, at) => historyOf(daemon, caller, reason, each, `-${at + 1}`))

/** `tells` apart those of one transaction. */
function historyOf(
  daemon: Daemon,
  caller: Caller,
  reason: string | undefined,
  { kind, name, verb, before, after }: HistoryOf,
  tells = '',
): Write[] {
  const [at, by] = [timestamp(daemon.env), caller.name]
  const record = { at, by, kind, name, verb, ...(reason === undefined ? {} : { reason }), before, after }
  return historyWrites(record, `${daemon.env.id().slice(0, 8)}${tells}`)
}

/** The answer to a write: waits as long as was asked for, throws the operation's failure, shows the thing as it is then. */
export async function accepted<T>(
  daemon: Daemon,
  query: WriteQuery,
  operation: Operation | null,
  show: () => Promise<T | null>,
): Promise<Accepted<T>> {
  const ended = operation && query.wait ? await daemon.operations.wait(operation.id, query.wait) : operation
  const error = ended ? errorOf(ended) : undefined
  if (error) throw Object.assign(error, { op: ended?.id })
  return { operation: ended, result: await show() }
}

export function assertRevision(query: WriteQuery, revision: number, what: string): void {
  if (query.ifRevision === undefined || query.ifRevision === revision) return
  throw new CroftError('CHANGED_MEANWHILE', `${what} is at revision ${revision}, not ${query.ifRevision}`, {
    hint: `croft history ${what}`,
  })
}
