/**
 * Requests to members, and streams of answers, over HTTP/2: one connection to each member, whatever goes over it. What fails
 * here is a Lost that knows whether anything was sent.
 */
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2'
import type { Readable } from 'node:stream'
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
  readonly response: Readable
  /** Ends it; reading the response throws the reason. */
  readonly end: (why: Error) => void
}

const connectMs = 1500
export const answerMs = 5000
/** A connection over which nothing goes. */
const idleMs = 60_000
/** What is still open on a connection that is left may end by itself for so long. */
const lingerMs = 10_000

interface Connection {
  readonly session: ClientHttp2Session
  /** What it was opened with. */
  readonly shown: string
  /** Rejects with a Lost. */
  readonly ready: Promise<void>
}

export class Transport {
  readonly #tls: TlsSource
  /** By endpoint. */
  readonly #connections = new Map<string, Connection>()
  readonly #streams = new Set<ClientHttp2Stream>()

  constructor(tls: TlsSource) {
    this.#tls = tls
  }

  /** Returns with the head of the answer. */
  async send(endpoint: string, { path, body }: Sent, { timeoutMs = answerMs } = {}): Promise<Answering> {
    const { session, ready } = this.#reach(endpoint, Math.min(connectMs, timeoutMs))
    await ready
    const { promise, resolve, reject } = Promise.withResolvers<Answering>()
    const stream = openStream(session, path)
    const end = (why: Error): void => void stream.destroy(why)
    const late = setTimeout(() => end(new Lost('no answer in time', { unsent: false })), timeoutMs)
    this.#streams.add(stream)
    stream.once('response', () => {
      clearTimeout(late)
      resolve({ response: stream, end })
    })
    stream.once('close', () => {
      clearTimeout(late)
      this.#streams.delete(stream)
      reject(new Lost('the connection was closed', { unsent: false }))
    })
    stream.on('error', (thrown) => reject(toLost(thrown)))
    stream.end(JSON.stringify(body))
    return promise
  }

  /** The next request to it goes over another connection. */
  leave(endpoint: string): void {
    const known = this.#connections.get(endpoint)
    if (known === undefined) return
    this.#connections.delete(endpoint)
    known.session.close()
    setTimeout(() => known.session.destroy(), lingerMs).unref()
  }

  close(reason: Error): void {
    for (const stream of this.#streams) stream.destroy(reason)
    for (const { session } of this.#connections.values()) session.destroy()
    this.#connections.clear()
  }

  /** A connection is kept while who is trusted, and what is shown, are the same. */
  #reach(endpoint: string, timeoutMs: number): Connection {
    const material = typeof this.#tls === 'function' ? this.#tls() : this.#tls
    const shown = `${material.cert}${material.ca}`
    const known = this.#connections.get(endpoint)
    if (known?.shown === shown && !known.session.closed) return known
    this.leave(endpoint)
    const session = connect(endpoint, { ...material, settings: { enablePush: false }, maxSessionMemory: 64 })
    const made = { session, shown, ready: untilConnected(session, timeoutMs) }
    made.ready.catch(() => undefined)
    this.#connections.set(endpoint, made)
    const forget = (): void => {
      if (this.#connections.get(endpoint) === made) this.#connections.delete(endpoint)
    }
    session.once('close', forget)
    session.once('goaway', forget)
    session.setTimeout(idleMs, () => session.close())
    return made
  }
}

function untilConnected(session: ClientHttp2Session, timeoutMs: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const lost = (why: string): void => reject(new Lost(why, { unsent: true }))
  const late = setTimeout(() => {
    lost('no connection in time')
    session.destroy()
  }, timeoutMs)
  session.once('connect', () => resolve())
  // Streams tell of what comes later.
  session.on('error', ({ message }: Error) => lost(message))
  session.once('close', () => lost('no connection'))
  promise.then(
    () => clearTimeout(late),
    () => clearTimeout(late),
  )
  return promise
}

function openStream(session: ClientHttp2Session, path: string): ClientHttp2Stream {
  try {
    return session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/json' })
  } catch (thrown) {
    throw toLost(thrown, true)
  }
}

/** The client's failures have no codes to go by: what is no answer is a loss. */
export function toLost(thrown: unknown, unsent = false): unknown {
  if (thrown instanceof Lost || thrown instanceof Refused || thrown instanceof CroftError) return thrown
  return new Lost(thrown instanceof Error ? thrown.message : String(thrown), { unsent })
}
