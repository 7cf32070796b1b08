/**
 * The way to etcd: the JSON gateway of one member at a time. Who does not answer is left for the next one, and so are the
 * streams that were open there; they are begun anew by who reads them.
 */
import { CroftError } from '../../api/errors.ts'
import { Lost, type Refusal, toFailure } from './faults.ts'
import { jsonLines, textOf } from './lines.ts'
import { answerMs, type Sent, type TlsSource, Transport, toLost } from './transport.ts'

export interface LinkOptions {
  /** `https://198.51.100.1:2379`, of all members that are known; the nearest first. */
  readonly endpoints: readonly string[]
  readonly tls: TlsSource
  /** Monotonic milliseconds. */
  readonly now: () => number
  /** How long a request looks for a member that answers. */
  readonly patienceMs: number
}

export interface Header {
  readonly cluster_id?: string
  readonly revision?: string
}

export interface Answer {
  readonly header?: Header
}

const pulseMs = 2000
/** A read that only a member answers which a majority follows. Of a key that nobody has. */
const pulse: Sent = { path: '/v3/kv/range', body: { key: Buffer.from('croft?').toString('base64') } }

interface OpenStream {
  readonly endpoint: string
  readonly end: (why: Error) => void
}

export class Link {
  readonly #options: LinkOptions
  readonly #transport: Transport
  #endpoints: readonly string[]
  #at = 0
  readonly #answerMs: number
  readonly #streams = new Set<OpenStream>()
  #pulse: NodeJS.Timeout | undefined
  #closed: CroftError | undefined

  constructor(options: LinkOptions) {
    if (options.endpoints.length === 0) throw new CroftError('BAD_VALUE', 'the store has no member to ask')
    this.#options = options
    this.#endpoints = options.endpoints
    this.#transport = new Transport(options.tls)
    this.#answerMs = Math.min(answerMs, options.patienceMs)
  }

  get closed(): CroftError | undefined {
    return this.#closed
  }

  get endpoint(): string {
    return this.#endpoints[this.#at % this.#endpoints.length] ?? ''
  }

  /** The members of from now on. The one that is asked now stays so when it is still there, unless one is nearer now. */
  know(endpoints: readonly string[]): void {
    if (endpoints.length === 0) return
    const now = this.endpoint
    const same = endpoints[0] === this.#endpoints[0]
    this.#endpoints = endpoints
    this.#at = same ? Math.max(0, endpoints.indexOf(now)) : 0
    const moved = new Lost('another member is nearer', { unsent: false })
    for (const stream of this.#streams) if (stream.endpoint !== this.endpoint) stream.end(moved)
  }

  /** Asked again, of another member, while that is safe: always for what changes nothing, else when nothing was sent. */
  async ask<A extends Answer>(sent: Sent, does: 'read' | 'write' = 'read'): Promise<A> {
    const until = this.#options.now() + this.#options.patienceMs
    for (let pauseMs = 25; ; pauseMs = Math.min(pauseMs * 2, 400)) {
      const { endpoint } = this
      try {
        return await this.askOf<A>(endpoint, sent, this.#answerMs)
      } catch (thrown) {
        if (this.#closed !== undefined) throw this.#closed
        if (!(thrown instanceof Lost)) throw thrown
        this.#leave(endpoint, thrown)
        const again = does === 'read' || thrown.unsent
        if (!again || this.#options.now() + pauseMs > until) throw thrown
        await new Promise((resolve) => setTimeout(resolve, pauseMs))
      }
    }
  }

  /** One try, of one member. */
  async askOf<A extends Answer>(endpoint: string, sent: Sent, timeoutMs = answerMs): Promise<A> {
    if (this.#closed !== undefined) throw this.#closed
    const { response, end } = await this.#transport.send(endpoint, sent, { timeoutMs })
    const late = setTimeout(() => end(new Lost('no answer in time', { unsent: false })), timeoutMs)
    try {
      return parseAnswer<A>(await textOf(response))
    } catch (thrown) {
      throw toLost(thrown)
    } finally {
      clearTimeout(late)
    }
  }

  /** Answers as they come, of the member that is asked now, until it ends them; a Lost when it does not answer any more. */
  async *stream<A extends object>(sent: Sent, signal: AbortSignal): AsyncGenerator<A, void, void> {
    if (this.#closed !== undefined) throw this.#closed
    if (signal.aborted) return
    const { promise: ended, reject } = Promise.withResolvers<never>()
    ended.catch(() => undefined)
    const open: OpenStream = { endpoint: this.endpoint, end: reject }
    const stop = (): void => reject(new Lost('not wanted any more', { unsent: true }))
    signal.addEventListener('abort', stop, { once: true })
    this.#streams.add(open)
    this.#feelPulse()
    const sending = this.#transport.send(open.endpoint, sent)
    ended.catch((why: Error) => sending.then(({ end }) => end(why)).catch(() => undefined))
    try {
      const { response } = await Promise.race([sending, ended])
      for await (const line of jsonLines(response)) yield resultOf<A>(line)
    } catch (thrown) {
      throw this.#closed ?? toLost(thrown)
    } finally {
      this.#streams.delete(open)
      signal.removeEventListener('abort', stop)
      stop()
    }
  }

  close(reason: CroftError): void {
    if (this.#closed !== undefined) return
    this.#closed = reason
    clearTimeout(this.#pulse)
    for (const { end } of this.#streams) end(reason)
    this.#transport.close(reason)
  }

  #leave(endpoint: string, why: Error): void {
    if (this.endpoint === endpoint) this.#at = (this.#at + 1) % this.#endpoints.length
    this.#transport.leave(endpoint)
    for (const stream of this.#streams) if (stream.endpoint === endpoint) stream.end(why)
  }

  /** A wire that was cut says nothing: while streams are open, their members are asked now and then. */
  #feelPulse(): void {
    if (this.#pulse !== undefined || this.#closed !== undefined || this.#streams.size === 0) return
    this.#pulse = setTimeout(async () => {
      const places = new Set([...this.#streams].map(({ endpoint }) => endpoint))
      const look = (each: string) =>
        this.askOf(each, pulse, this.#answerMs).catch((thrown) => this.#leave(each, thrown))
      await Promise.all([...places].map(look))
      this.#pulse = undefined
      this.#feelPulse()
    }, pulseMs)
    this.#pulse.unref()
  }
}

interface Line<A> extends Partial<Refusal> {
  readonly result?: A
  /** A text when the stream did not even begin. */
  readonly error?: string | (Refusal & { readonly grpc_code?: number })
}

function resultOf<A>(line: unknown): A {
  const { result, error, code = 0, message = '' } = line as Line<A>
  if (typeof error === 'string') throw toFailure({ code, message: message || error })
  if (error !== undefined) throw toFailure({ ...error, code: error.grpc_code ?? error.code })
  if (result !== undefined) return result
  throw new Lost('no answer of etcd', { unsent: false })
}

function parseAnswer<A>(text: string): A {
  const answer = JSON.parse(text) as A & Partial<Refusal>
  if (typeof answer.code === 'number') throw toFailure({ code: answer.code, message: String(answer.message) })
  return answer
}
