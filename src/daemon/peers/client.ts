/** Peers over Node's https: one agent for each host, for as long as the certificates stay. */
import type { ClientRequest, IncomingMessage } from 'node:http'
import { Agent, type RequestOptions, request } from 'node:https'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { PeerCertificate } from 'node:tls'
import { CroftError } from '../../api/errors.ts'
import { hostOrganisation } from '../../api/pinned.ts'
import type { Material } from '../pki/authority.ts'
import { hostKeyOf, isKeyOf } from '../records/host-key.ts'
import { callerHeader, writeCaller } from './caller.ts'
import type { PeerAnswer, PeerConnection, PeerRequest, Peers } from './peers.ts'

export interface PeersParts {
  readonly own: string
  /** As it is now: a renewed certificate is shown from the next connection on. */
  readonly material: () => Material
  /** `IP:PORT` of a host that is not dead. */
  readonly addressOf: (host: string) => string | undefined
  /** What its record says: undefined until it has told its key. */
  readonly keyOf: (host: string) => string | undefined
}

/** For the connection, and for the first word of the other side. */
const signOfLifeMs = 2000
const idleMs = 4000
/** Who waits for an operation holds one; beyond that requests would wait for each other. */
const connectionsOfOneHost = 200

type Asked = PeerRequest & { readonly protocol?: string }

export function createPeers(parts: PeersParts): Peers {
  const agents = new Map<string, { readonly agent: Agent; readonly cert: string; readonly address: string }>()

  /** Made anew with the certificates, or when the host has moved; what is under way ends by itself. */
  function agentOf(host: string, address: string): Agent {
    const { key, cert, ca } = parts.material()
    const known = agents.get(host)
    if (known?.cert === cert && known.address === address) return known.agent
    const agent = new Agent({
      ...{ key, cert, ca, minVersion: 'TLSv1.3', servername: '' },
      ...{ keepAlive: true, timeout: idleMs, maxSockets: connectionsOfOneHost, maxFreeSockets: 4 },
      checkServerIdentity: (_name: string, shown: PeerCertificate) => refusalOf(host, parts.keyOf(host), shown),
    })
    agents.set(host, { agent, cert, address })
    return agent
  }

  function getAddress(host: string): string {
    const address = parts.addressOf(host)
    if (address !== undefined) return address
    throw new CroftError('HOST_UNREACHABLE', `host ${host} has told no address, or is no host of this farm`, {
      hint: 'croft host ls',
    })
  }

  async function ask(host: string, asked: Asked): Promise<PeerAnswer | PeerConnection> {
    const address = getAddress(host)
    asked.signal?.throwIfAborted()
    try {
      return await askOnce({ host, address, agent: agentOf(host, address), asked })
    } catch (thrown) {
      if (!(thrown instanceof StaleConnection) || asked.body instanceof Readable) throw asFailure(thrown)
      // A kept connection that had ended meanwhile: nothing was done there.
      return await askOnce({ host, address, agent: agentOf(host, address), asked }).catch((again) => {
        throw asFailure(again)
      })
    }
  }

  return {
    request: async (host, asked) => (await ask(host, asked)) as PeerAnswer,
    upgrade: (host, asked) => ask(host, asked),
    close() {
      for (const { agent } of agents.values()) agent.destroy()
      agents.clear()
    },
  }
}

class StaleConnection extends Error {
  readonly failure: CroftError
  constructor(failure: CroftError) {
    super(failure.message)
    this.failure = failure
  }
}

const asFailure = (thrown: unknown): unknown => (thrown instanceof StaleConnection ? thrown.failure : thrown)

interface Attempt {
  readonly host: string
  readonly address: string
  readonly agent: Agent
  readonly asked: Asked
}

function askOnce({ host, address, agent, asked }: Attempt): Promise<PeerAnswer | PeerConnection> {
  const { promise, resolve, reject } = Promise.withResolvers<PeerAnswer | PeerConnection>()
  const sent = request(optionsOf(address, agent, asked))
  let heard = false
  const fail = (cause: unknown) => {
    const failure = unreachable(host, address, cause)
    reject(!heard && sent.reusedSocket ? new StaleConnection(failure) : failure)
    sent.destroy()
  }
  const late = setTimeout(() => fail(new Error('no answer in 2 s')), signOfLifeMs)
  const over =
    asked.deadlineMs === undefined
      ? undefined
      : setTimeout(() => fail(new Error(`no answer in ${asked.deadlineMs} ms`)), asked.deadlineMs)
  const abort = () => {
    reject(asked.signal?.reason)
    sent.destroy()
  }
  asked.signal?.addEventListener('abort', abort, { once: true })
  const live = () => {
    heard = true
    clearTimeout(late)
  }
  const settle = (answer: PeerAnswer | PeerConnection) => {
    live()
    clearTimeout(over)
    resolve(answer)
  }
  sent.once('socket', (socket) => socket.setTimeout(0))
  sent.on('error', fail)
  sent.once('close', () => {
    clearTimeout(late)
    clearTimeout(over)
    fail(new Error('it hung up'))
  })
  // Its head was read there, by who bears the certificate: now the body.
  sent.once('continue', () => {
    live()
    sendBody(sent, asked.body)
  })
  sent.once('response', (answer: IncomingMessage) => {
    answer.once('close', () => asked.signal?.removeEventListener('abort', abort))
    settle({ status: answer.statusCode ?? 500, headers: answer.headers, body: answer })
  })
  sent.once('upgrade', (_answer, socket, head: Buffer) => {
    if (head.length > 0) socket.unshift(head)
    socket.once('close', () => asked.signal?.removeEventListener('abort', abort))
    settle({ socket })
  })
  if (asked.protocol === undefined) sent.flushHeaders()
  else sent.end()
  return promise
}

function sendBody(sent: ClientRequest, body: PeerRequest['body']): void {
  // What is wrong with the stream is told by the request's own end.
  if (body instanceof Readable) pipeline(body, sent).catch(() => sent.destroy())
  else sent.end(body)
}

function optionsOf(address: string, agent: Agent, asked: Asked): RequestOptions {
  const at = address.lastIndexOf(':')
  const { body, protocol } = asked
  return {
    ...{ agent, method: asked.method, path: asked.path },
    ...{ host: address.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(address.slice(at + 1)) },
    headers: {
      ...(typeof body === 'string' ? { 'content-type': 'application/json' } : {}),
      ...asked.headers,
      ...(typeof body === 'string' ? { 'content-length': Buffer.byteLength(body) } : {}),
      ...(body === undefined ? { 'content-length': 0 } : {}),
      ...(asked.caller ? { [callerHeader]: writeCaller(asked.caller) } : {}),
      ...(protocol === undefined ? { expect: '100-continue' } : { connection: 'Upgrade', upgrade: protocol }),
    },
  }
}

/** TLS has found its chain to end at the farm's CA; the CA makes others too. */
function refusalOf(host: string, key: string | undefined, { subject, raw }: PeerCertificate): Error | undefined {
  if (subject?.O !== hostOrganisation || subject.CN !== host)
    return new Error(`it shows the certificate of ${String(subject?.CN)}`)
  return isKeyOf(key === undefined ? {} : { key }, () => hostKeyOf(raw)) ? undefined : new Error('it shows another key')
}

const plainly: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'no daemon listens there',
  ECONNRESET: 'it hung up',
  EHOSTUNREACH: 'no way leads there',
  ENETUNREACH: 'no way leads there',
}

function unreachable(host: string, address: string, cause: unknown): CroftError {
  const { code, message } =
    cause instanceof Error ? (cause as NodeJS.ErrnoException) : { code: '', message: String(cause) }
  const why = plainly[code ?? ''] ?? message
  return new CroftError('HOST_UNREACHABLE', `host ${host} (${address}) does not answer: ${why}`, {
    hint: `croft host ls · on ${host}: croft doctor`,
    cause,
  })
}
