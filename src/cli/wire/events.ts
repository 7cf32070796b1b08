/** Follows what happens, over broken connections and restarts of the daemon. */
import { CroftError, errorTable, toCroftError } from '../../api/errors.ts'
import type { EventLine, FarmEvent } from '../../api/events.ts'
import type { Context } from '../context.ts'
import type { RequestOptions } from './request.ts'
import { errorBody, RemoteError } from './request.ts'

export interface Following {
  readonly signal: AbortSignal
  readonly onEvent: (event: FarmEvent) => void
  /** Connected, and nothing is missing until here. */
  readonly onMark?: () => void
  /** Told once each time that the daemon is away. */
  readonly onAway?: (why: string) => void
}

const againMs = 500

/** Returns when the signal aborts. Throws what the daemon refuses, and when it was never there. */
export async function followEvents(
  context: Context,
  query: NonNullable<RequestOptions['query']>,
  { signal, onEvent, onMark, onAway }: Following,
): Promise<void> {
  let { cursor, tail } = query
  let reached = false
  let said = false
  const onLine = (line: string) => {
    const told = parseEventLine(line)
    ;({ cursor } = told)
    tail = undefined
    reached = true
    said = false
    if ('event' in told) onEvent(told)
    else onMark?.()
  }
  while (!signal.aborted) {
    try {
      const asked = { ...query, cursor, tail, follow: true }
      await context.client.lines('listEvents', { query: asked, signal }, onLine)
    } catch (thrown) {
      const error = toCroftError(thrown)
      // Without an answer there is nobody to ask for what was missed; all else is the daemon's last word.
      if (!reached || errorTable[error.code].exit !== errorTable.UNREACHABLE.exit) throw thrown
      if (!said) onAway?.(error.message)
      said = true
    }
    if (!signal.aborted) await context.io.sleep(againMs, signal)
  }
}

/** Throws what the last line of a broken stream tells. */
export function parseEventLine(line: string): Exclude<EventLine, { error: unknown }> {
  const told = parse(line)
  if ('error' in told) throw new RemoteError(errorBody({ status: 500, headers: new Map(), body: '' }, told))
  return told
}

function parse(line: string): EventLine {
  try {
    return JSON.parse(line) as EventLine
  } catch (cause) {
    throw new CroftError('UNREACHABLE', 'the daemon sent a line that is not JSON', { hint: 'croft doctor', cause })
  }
}
