/** Watches an operation to its end. Ctrl-C and --timeout stop the watching, never the work. */
import type { Operation } from '../../api/resources.ts'
import { type Context, durationFlag } from '../context.ts'
import { createProgress } from '../screen/progress.ts'
import { RemoteError } from '../wire/request.ts'

const longPollMs = 30_000
/** On a terminal the time that has passed is shown to the second. */
const livePollMs = 1000
/** While the farm elects anew nobody can be asked, and the work goes on. */
const storePatienceMs = 30_000

export interface FollowOptions {
  readonly signal: AbortSignal
  /** Say its lines even when it ended before anybody looked. */
  readonly narrate: boolean
}

export async function follow(context: Context, operation: Operation, options: FollowOptions): Promise<Operation> {
  const { io } = context
  const timeoutMs = durationFlag(context, 'timeout')
  const mostMs = io.stderr.tty ? livePollMs : longPollMs
  const deadline = timeoutMs === undefined ? Number.POSITIVE_INFINITY : io.now() + timeoutMs - io.elapsedMs()
  const quick = operation.state !== 'running' && !options.narrate && !context.flags.has('verbose')
  if (quick) return operation
  using progress = createProgress(context, options)
  let current = operation
  let heardAt = io.now()
  progress.show(current)
  while (current.state === 'running') {
    const left = deadline - io.now()
    if (left <= 0) throw stopped(current, 'it takes longer than --timeout')
    const next = await poll(context, current, { waitMs: Math.ceil(Math.min(mostMs, left)), signal: options.signal })
    if (next instanceof RemoteError) {
      if (io.now() - heardAt > storePatienceMs) throw stopped(current, next.message)
      continue
    }
    heardAt = io.now()
    current = next
    progress.show(current)
  }
  return current
}

/** An error: the store is away, and may be back soon. */
async function poll(
  context: Context,
  operation: Operation,
  options: { waitMs: number; signal: AbortSignal },
): Promise<Operation | RemoteError> {
  const { client, io } = context
  const { waitMs, signal } = options
  const started = io.now()
  try {
    const next = await client.request('getOperation', {
      params: { operation: operation.id },
      query: { wait: waitMs, seen: operation.log.length },
      idleMs: waitMs + 30_000,
      signal,
    })
    const atOnce = io.now() - started < Math.min(100, waitMs)
    if (next.state === 'running' && atOnce) await io.sleep(100, signal)
    if (signal.aborted) throw signal.reason
    return next
  } catch (error) {
    if (signal.aborted) throw stopped(operation, 'you stopped watching')
    if (!(error instanceof RemoteError) || !away.has(error.code)) throw error
    await io.sleep(livePollMs, signal)
    return error
  }
}

const away: ReadonlySet<string> = new Set(['STORE_CLOSED', 'STORE_MOVING'])

export const goesOn = (id: string): string => `croft op wait ${id} · croft op cancel ${id}`

function stopped(operation: Operation, why: string): RemoteError {
  const { id, verb, target } = operation
  return new RemoteError({ code: 'TIMEOUT', message: `${verb} ${target.name} goes on: ${why}`, hint: goesOn(id) }, id)
}

/** Runs with a signal that Ctrl-C raises. Before an operation has an id there is only the list to point at. */
export async function withInterrupt<T>(context: Context, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  using _ = context.io.onInterrupt(() => {
    const message = 'you stopped watching; what was asked for may go on'
    controller.abort(new RemoteError({ code: 'TIMEOUT', message, hint: 'croft op ls' }))
  })
  return await run(controller.signal)
}
