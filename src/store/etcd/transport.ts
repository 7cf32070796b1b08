/** One request to one member, over HTTP with connections that are kept. What fails here is a Lost that knows whether anything was sent. */
import { type ClientRequest, type IncomingMessage, Agent as PlainAgent, request as plainRequest } from 'node:http'
import { Agent as SecureAgent, request as secureRequest } from 'node:https'
import { CroftError } from '../../api/errors.ts'
import { Lost, Refused } from './faults.ts'

/** PEM. */
export interface Tls {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** A function is asked for each request, so that a renewed certificate is in force at once. */
export type TlsSource = Tls | (() => Tls)

export interface Sent {
  readonly path: string
  readonly body: object
}

export interface Answering {
  readonly response: IncomingMessage
  /** Ends it; reading the response throws the reason. */
  readonly end: (why: Error) => void
}

const connectMs = 1500
export const answerMs = 5000

export class Transport {
  readonly #tls: TlsSource | undefined
  #agent: PlainAgent | SecureAgent | undefined
  #agentCert: string | undefined
  readonly #requests = new Set<ClientRequest>()

  constructor(tls: TlsSource | undefined) {
    this.#tls = tls
  }

  /** Returns with the head of the answer. A stream has a connection of its own. */
  send(
    endpoint: string,
    { path, body }: Sent,
    { timeoutMs = answerMs, stream }: { readonly timeoutMs?: number; readonly stream?: true },
  ): Promise<Answering> {
    const { promise, resolve, reject } = Promise.withResolvers<Answering>()
    const text = JSON.stringify(body)
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
    const place = stream ? { agent: false as const, ...this.#material() } : { agent: this.#pooled() }
    const url = new URL(path, endpoint)
    const request = (url.protocol === 'https:' ? secureRequest : plainRequest)(url, {
      method: 'POST',
      headers,
      ...place,
    })
    const end = (why: Error): void => void request.destroy(why)
    const isSent = watchConnecting(request, end, url.protocol === 'https:' ? 'secureConnect' : 'connect')
    const late = setTimeout(() => end(new Lost('no answer in time', { unsent: !isSent() })), timeoutMs)
    this.#requests.add(request)
    request.once('response', (response) => {
      clearTimeout(late)
      resolve({ response, end })
    })
    request.once('close', () => {
      clearTimeout(late)
      this.#requests.delete(request)
    })
    request.on('error', (thrown) => reject(toLost(thrown, !isSent())))
    request.end(text)
    return promise
  }

  close(reason: Error): void {
    for (const request of this.#requests) request.destroy(reason)
    this.#agent?.destroy()
  }

  #material(): Partial<Tls> {
    return typeof this.#tls === 'function' ? this.#tls() : (this.#tls ?? {})
  }

  /** Connections are kept while the certificate is the same. */
  #pooled(): PlainAgent | SecureAgent {
    const material = this.#material()
    // What is trusted changes too.
    const shown = `${material.cert}${material.ca}`
    if (this.#agent !== undefined && this.#agentCert === shown) return this.#agent
    const kept = { keepAlive: true, maxSockets: 16, maxFreeSockets: 4 }
    this.#agent = this.#tls === undefined ? new PlainAgent(kept) : new SecureAgent({ ...kept, ...material })
    this.#agentCert = shown
    return this.#agent
  }
}

/** Whether the request can have left: nothing does before there is a connection. */
function watchConnecting(request: ClientRequest, end: (why: Error) => void, connected: string): () => boolean {
  let sent = false
  request.once('socket', (socket) => {
    if (!socket.connecting) {
      sent = true
      return
    }
    const slow = setTimeout(() => end(new Lost('no connection in time', { unsent: true })), connectMs)
    socket.once('close', () => clearTimeout(slow))
    socket.once(connected, () => {
      sent = true
      clearTimeout(slow)
    })
  })
  return () => sent
}

/** The client's failures have no codes to go by: what is no answer is a loss. */
export function toLost(thrown: unknown, unsent = false): unknown {
  if (thrown instanceof Lost || thrown instanceof Refused || thrown instanceof CroftError) return thrown
  return new Lost(thrown instanceof Error ? thrown.message : String(thrown), { unsent })
}
