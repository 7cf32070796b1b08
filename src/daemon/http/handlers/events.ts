/** What happened, as a stream of lines. */

import { isCode } from '../../../api/errors.ts'
import type { EventMark, FarmEvent } from '../../../api/events.ts'
import type { Daemon } from '../../daemon.ts'
import { nounOf } from '../../events/derive.ts'
import { type Followed, followEvents } from '../../events/follow.ts'
import { may } from '../access.ts'
import type { Handlers, Request } from '../handler.ts'
import { Lines } from '../lines.ts'

type Asked = Request<'listEvents'>

/** How far back the newest events are looked for. */
const tailRevisions = 4000

export const handlers = {
  listEvents: async (daemon, request) => new Lines((signal) => lines(daemon, request, signal)),
} satisfies Partial<Handlers>

async function* lines(daemon: Daemon, request: Asked, signal: AbortSignal): AsyncGenerator<Followed, void, void> {
  const { cursor, tail, follow } = request.query
  const { store } = daemon
  const { revision } = await store.get('farm')
  const present = `${store.id}:${revision}`
  let from = cursor ?? present
  if (tail !== undefined) {
    const old = `${store.id}:${Math.max(0, revision - tailRevisions)}`
    yield* await newest(daemon, request, { from: cursor ?? old, until: revision, tail, signal })
    from = present
  }
  const until = follow ? undefined : revision
  for await (const one of followEvents(daemon, { from, until, signal })) if (isMeant(one, request)) yield one
}

/** The last so many; none when what is kept begins later. */
async function newest(
  daemon: Daemon,
  request: Asked,
  { tail, ...options }: { from: string; until: number; tail: number; signal: AbortSignal },
): Promise<Followed[]> {
  const found: FarmEvent[] = []
  try {
    for await (const one of followEvents(daemon, options)) {
      if (isEvent(one) && isMeant(one, request)) found.push(one)
      if (found.length > tail) found.shift()
    }
  } catch (thrown) {
    if (request.query.cursor !== undefined || !isCode(thrown, 'COMPACTED')) throw thrown
  }
  return found
}

const isEvent = (one: FarmEvent | EventMark): one is FarmEvent => 'event' in one

/** Who may not read a thing is not told of it. */
function isMeant(one: Followed, { query, caller }: Asked): boolean {
  if (!isEvent(one)) return true
  if (query.kind !== undefined && one.kind !== query.kind) return false
  if (query.name !== undefined && one.name !== query.name) return false
  return may(caller, { verb: 'read', noun: nounOf(one.kind) })
}
