/** Connections that a route takes over: they come in as requests, are judged as requests, and then belong to the route. */
import { type IncomingMessage, type Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { CroftError } from '../../api/errors.ts'
import { sessionProtocol } from '../../api/frames.ts'

/** What a handler answers that wants the connection. */
export class Upgrade {
  readonly take: (socket: Duplex) => void

  constructor(take: Upgrade['take']) {
    this.take = take
  }
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void

const asks = (request: IncomingMessage): boolean => request.headers.upgrade?.toLowerCase() === sessionProtocol
const early = new WeakMap<IncomingMessage, Buffer>()

/** Of a server's options: whoever asks for another protocol is answered as if he had not. */
export const upgradeOptions = { shouldUpgradeCallback: asks }

export function answerUpgrades(server: Pick<Server, 'on'>, answer: Answer): void {
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    early.set(request, head)
    const response = new ServerResponse(request)
    response.shouldKeepAlive = false
    response.assignSocket(socket as Parameters<ServerResponse['assignSocket']>[0])
    // Refused: the answer was all.
    response.once('finish', () => early.has(request) && socket.end())
    answer(request, response)
  })
}

export function assertUpgrade({ raw }: FastifyRequest): void {
  if (early.has(raw)) return
  throw new CroftError('BAD_REQUEST', `this route takes over the connection: send Upgrade: ${sessionProtocol}`)
}

export function switchProtocols(request: FastifyRequest, reply: FastifyReply, { take }: Upgrade): FastifyReply {
  const socket = request.raw.socket
  reply.hijack()
  reply.raw.detachSocket(socket)
  const head = early.get(request.raw)
  early.delete(request.raw)
  socket.setTimeout(0)
  socket.setNoDelay(true)
  // A peer that is gone without a word is missed after a minute.
  socket.setKeepAlive(true, 30_000)
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ${sessionProtocol}\r\n\r\n`)
  if (head && head.length > 0) socket.unshift(head)
  take(socket)
  return reply
}
