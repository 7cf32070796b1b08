/**
 * The door to the outside: TLS 1.3 with the farm's own certificate, and a token in each request. Everything that a
 * stranger can make us hold is bounded: connections in all and from one address, head, body, and how long each may take.
 */
import { X509Certificate } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { CroftError } from '../../api/errors.ts'
import { hostOrganisation } from '../../api/pinned.ts'
import { parseListen } from '../../api/values.ts'
import type { Material } from '../pki/authority.ts'
import { blockOf } from './attempts.ts'
import { answerMalformed } from './malformed.ts'
import { answerUpgrades, upgradeOptions } from './upgrade.ts'

const limits = {
  connections: 500,
  connectionsOfOneAddress: 50,
  handshakeMs: 10_000,
  headMs: 10_000,
  keepAliveMs: 5_000,
  /** Longer than the longest wait for an operation. */
  silentMs: 660_000,
  headBytes: 16 * 1024,
} as const

export interface TlsDoor {
  readonly port: number
  /** Takes a renewed certificate; connections that are open go on with the old one, unless their client’s CA is trusted no longer. */
  renew(material: Material): void
  close(): Promise<void>
}

export async function openTlsDoor(
  listen: string,
  material: Material,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<TlsDoor> {
  const at = parseListen(listen)
  if (!at) throw new CroftError('BAD_VALUE', `"${listen}" is not an address and port`)
  const server = createServer(
    {
      ...secure(material),
      ...upgradeOptions,
      handshakeTimeout: limits.handshakeMs,
      headersTimeout: limits.headMs,
      // An archive takes as long as its line is slow; a body is read only of who is known, and silence ends it.
      requestTimeout: 0,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: 2_000,
      maxHeaderSize: limits.headBytes,
      // A session resumed by a ticket would outlive a renewal.
      sessionTimeout: 300,
    },
    answer,
  )
  server.maxConnections = limits.connections
  server.setTimeout(limits.silentMs, (socket) => socket.destroy())
  const connections = bound(server)
  const known = trusting(server, material)
  answerUpgrades(server, answer)
  server.on('tlsClientError', (_thrown, socket) => socket.destroy())
  server.on('clientError', (thrown, socket) => answerMalformed(thrown, socket as Socket))
  await opened(server, at)
  return {
    port: at.port,
    renew(renewed) {
      server.setSecureContext(secure(renewed))
      known.trust(renewed)
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        // Those that a route took over are no longer the server's.
        for (const socket of connections) socket.destroy()
      }),
  }
}

/** A certificate is asked for, and none is needed: who shows neither that nor a token is told so in words. */
const secure = ({ key, cert, ca }: Material) => ({
  ...{ key, cert, ca, minVersion: 'TLSv1.3' as const },
  ...{ requestCert: true, rejectUnauthorized: false },
})

/**
 * Before a byte is read: who holds many connections already gets no more. Those of a host of the farm do not count, once it has
 * shown its certificate: it carries for many.
 */
function bound(server: Server): ReadonlySet<Socket> {
  const held = new Map<string, number>()
  const connections = new Set<Socket>()
  const counted = new Map<string, () => void>()
  server.prependListener('connection', (socket: Socket) => {
    const from = blockOf(socket.remoteAddress ?? '')
    const count = (held.get(from) ?? 0) + 1
    held.set(from, count)
    connections.add(socket)
    const end = endOf(socket)
    const letGo = () => {
      if (!counted.delete(end)) return
      const left = (held.get(from) ?? 1) - 1
      if (left > 0) held.set(from, left)
      else held.delete(from)
    }
    counted.set(end, letGo)
    socket.on('error', () => socket.destroy())
    socket.once('close', () => {
      connections.delete(socket)
      letGo()
    })
    if (count > limits.connectionsOfOneAddress) socket.destroy()
  })
  server.on('secureConnection', (secured) => {
    if (secured.authorized && secured.getPeerCertificate().subject?.O === hostOrganisation)
      counted.get(endOf(secured))?.()
  })
  return connections
}

/**
 * What TLS has found of a client counts for the life of its connection. Those whose certificate is of a CA that is trusted no longer
 * end with that trust; a handshake that was under way then, or takes up an older session, ends at once.
 */
function trusting(server: Server, first: Material): { trust(material: Material): void } {
  const known = new Set<TLSSocket>()
  let cas = casOf(first)
  const look = (secured: TLSSocket) => {
    const shown = secured.getPeerX509Certificate()
    if (!cas.some((ca) => shown?.verify(ca.publicKey))) secured.destroy()
  }
  server.on('secureConnection', (secured) => {
    if (!secured.authorized) return
    known.add(secured)
    secured.once('close', () => known.delete(secured))
    look(secured)
  })
  return {
    trust(material) {
      cas = casOf(material)
      for (const secured of known) look(secured)
    },
  }
}

const casOf = ({ ca }: Material): X509Certificate[] =>
  ca.split(/(?<=-----END CERTIFICATE-----\n)/).flatMap((pem) => (pem.trim() === '' ? [] : [new X509Certificate(pem)]))

const endOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`

function opened(server: Server, { host, port }: { host: string | undefined; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why =
        cause.code === 'EADDRINUSE'
          ? 'another program has it'
          : cause.code === 'EADDRNOTAVAIL'
            ? 'this host has no such address'
            : cause.message
      reject(
        new CroftError('REFUSED', `port ${port} cannot be opened: ${why}`, {
          hint: `ss -tlnp sport = :${port}`,
          cause,
        }),
      )
    })
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      server.removeAllListeners('error').on('error', () => undefined)
      resolve()
    })
  })
}
