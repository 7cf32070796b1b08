/** Sends a change and sees it through: one round trip when it is quick, else it follows the operation to its end. */
import { CroftError } from '../../api/errors.ts'
import type { Accepted, Operation, PlannedStep } from '../../api/resources.ts'
import { type Answer, type Column, done, type Result, rows } from '../answer.ts'
import { type Context, numberFlag } from '../context.ts'
import { type ChangeRoute, type Client, RemoteError, type RequestOptions } from '../wire/request.ts'
import { asTyped } from './as-typed.ts'
import { follow, goesOn, withInterrupt } from './follow.ts'

const quickMs = 800

export interface Change {
  readonly route: ChangeRoute
  readonly params?: RequestOptions['params']
  readonly query?: RequestOptions['query']
  readonly body?: unknown
  /** What follow-ups print of it; not the lines of an operation that was quick, unless `narrate`. */
  readonly narrate?: true
  /** Seen to its end whatever --no-wait says: what comes next needs it. */
  readonly attended?: true
}

export interface Changed {
  readonly operation: Operation | null
  readonly result: unknown
  readonly unchanged?: true
}

/** One change as a command's whole answer: plan with --dry-run, id with --no-wait, else what `finish` makes of it. */
export async function changeAnswer(
  context: Context,
  change: Change,
  finish: (changed: Changed) => Answer | Promise<Answer>,
): Promise<Answer> {
  const accepted = await withInterrupt(context, async (signal) => {
    const first = await send(context, change, signal)
    return !change.attended && leavesItThere(context, first)
      ? first
      : { ...first, operation: await see(context, first, { change, signal }) }
  })
  if (context.flags.has('dry-run')) return planAnswer(context, accepted.steps ?? [])
  if (isDetached(accepted)) return detached(accepted.operation)
  return finish(accepted)
}

/** The same for one of several. */
export async function changeResult(
  context: Context,
  change: Change & { readonly name: string; readonly signal: AbortSignal },
  finish: (changed: Changed) => Result | Promise<Result>,
): Promise<Result> {
  const first = await send(context, change, change.signal)
  if (context.flags.has('dry-run')) {
    const steps = first.steps ?? []
    const said = steps.map((step) => step.step).join(', ')
    return { name: change.name, text: `${change.name} ${said || 'nothing to do'}`, record: steps }
  }
  if (leavesItThere(context, first)) {
    const { operation } = first
    const text = operation ? `${change.name} op ${operation.id}` : change.name
    return { name: change.name, text, record: operation }
  }
  return finish({ ...first, operation: await see(context, first, { change, signal: change.signal }) })
}

/** What it would do; nothing is changed, whether or not that is all that is asked for. */
export async function planned(context: Context, change: Change): Promise<readonly PlannedStep[]> {
  const { steps = [] } = await withInterrupt(context, (signal) =>
    send(context, { ...change, query: { ...change.query, dryRun: true } }, signal),
  )
  return steps
}

async function send(context: Context, change: Change, signal: AbortSignal): Promise<Accepted> {
  const { flags, client } = context
  const { route, params = {}, query = {}, body } = change
  const asked: RequestOptions = {
    params,
    query: {
      wait: flags.has('no-wait') ? 0 : quickMs,
      dryRun: flags.has('dry-run') || undefined,
      reason: flags.text('reason'),
      ifRevision: numberFlag(context, 'if-revision'),
      ...query,
    },
    signal,
    ...(body === undefined ? {} : { body }),
  }
  // A route with nothing to answer may say so with an empty body.
  const accepted = await (client as Client).request(route, asked).catch((thrown) => {
    throw asTyped(thrown, context.settings)
  })
  if (!accepted) return { operation: null, result: null }
  for (const warning of (accepted as Accepted).warnings ?? []) context.say(`▲ ${warning}`)
  return accepted as Accepted
}

async function see(
  context: Context,
  accepted: Accepted,
  how: { change: Change; signal: AbortSignal },
): Promise<Operation | null> {
  const { operation } = accepted
  if (!operation) return null
  const ended = await follow(context, operation, { signal: how.signal, narrate: how.change.narrate ?? false })
  return throwIfFailed(ended)
}

export function throwIfFailed(operation: Operation): Operation {
  if (operation.state === 'done') return operation
  const { error, id, verb, target } = operation
  if (error) throw new RemoteError(error, id)
  const what = `${verb} ${target.name}`
  throw operation.state === 'cancelled'
    ? new RemoteError({ code: 'CANCELLED', message: `${what}: cancelled` }, id)
    : new RemoteError({ code: 'FAILED', message: `${what}: failed`, hint: `croft op show ${id}` }, id)
}

const leavesItThere = (context: Context, accepted: Accepted): boolean =>
  context.flags.has('dry-run') || (context.flags.has('no-wait') && accepted.operation?.state === 'running')

const isDetached = (accepted: Accepted): accepted is Accepted & { operation: Operation } =>
  accepted.operation?.state === 'running'

function detached(operation: Operation): Answer {
  return done(operation.id, `${operation.id} goes on`, { record: operation, hint: goesOn(operation.id) })
}

const stepColumns: readonly Column<PlannedStep>[] = [
  { title: 'WHAT', get: (step) => step.what },
  { title: 'STEP', get: (step) => step.step },
  { title: 'DETAIL', elastic: true, get: (step) => step.detail },
]

/** Steps as rows; exit 10 when there are some and --exit-code asks. */
export function planAnswer(context: Context, steps: readonly PlannedStep[]): Answer {
  const differs = steps.length > 0 && context.flags.has('exit-code')
  return rows(steps, stepColumns, {
    name: (step) => step.what,
    empty: 'nothing to do',
    exit: differs ? 10 : 0,
  })
}

/** Answered with the form of the command, as all that has no hint of its own. */
export const wrongUse = (message: string): CroftError => new CroftError('USAGE', message)
