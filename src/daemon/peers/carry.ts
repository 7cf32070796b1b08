/** A request that is another host's goes there as it came, and what is answered there is answered here. */

import type { Duplex } from 'node:stream'
import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { isCode } from '../../api/errors.ts'
import { sessionProtocol } from '../../api/frames.ts'
import { type Route, type RouteName, routes } from '../../api/routes.ts'
import type { Caller } from '../http/access.ts'
import { assertUpgrade, switchProtocols, Upgrade } from '../http/upgrade.ts'
import type { PeerAnswer, Peers } from './peers.ts'

export interface Carrying {
  readonly name: RouteName
  readonly host: string
  readonly away?: 'here'
  readonly caller: Caller
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly closed: AbortSignal
}

/**
 * False: the host is away, and what this one knows will do. Never the reply itself: that is awaited as a promise of its own
 * end, which is a promise of nothing, and the request would be answered here once more.
 */
export async function carry(peers: Peers, asked: Carrying): Promise<boolean> {
  const row: Route = routes[asked.name]
  if (row.reply === 'session') return carrySession(peers, asked)
  try {
    pass(asked.reply, await peers.request(asked.host, { ...headOf(asked), ...bodyOf(asked.request) }))
    return true
  } catch (thrown) {
    if (asked.away && isCode(thrown, 'HOST_UNREACHABLE')) return false
    throw thrown
  }
}

async function carrySession(peers: Peers, asked: Carrying): Promise<true> {
  const { request, reply, host } = asked
  assertUpgrade(request)
  const taken = await peers.upgrade(host, { ...headOf(asked), protocol: sessionProtocol })
  if ('socket' in taken) switchProtocols(request, reply, new Upgrade((socket) => join(socket, taken.socket)))
  else pass(reply, taken)
  return true
}

/** Whichever end goes takes the other with it; what was said before that still arrives. */
function join(one: Duplex, other: Duplex): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.on('error', () => to.destroy())
    from.once('close', () => (to.writableEnded ? undefined : to.destroy()))
    from.pipe(to)
  }
}

const headOf = ({ request, caller, closed }: Carrying) => ({
  ...{ method: request.method, path: request.url, caller, signal: closed },
})

function bodyOf({ body, headers }: FastifyRequest): { body?: string | Readable; headers?: Record<string, string> } {
  if (body instanceof Readable) return { body, headers: { 'content-type': String(headers['content-type']) } }
  return body === undefined || body === null ? {} : { body: JSON.stringify(body) }
}

/** What a proxy may not pass on, and what the server here says itself. */
const ownHeaders: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'date', 'transfer-encoding', 'upgrade'])

function pass(reply: FastifyReply, { status, headers, body }: PeerAnswer): void {
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined && !ownHeaders.has(name)) reply.header(name, value)
  reply.code(status).send(body)
}
