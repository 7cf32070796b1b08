/** How acme-client reaches the server: each request ends in time, and a server that says no is told as what it said. */
import { type IncomingMessage, request as plain, type RequestOptions } from 'node:http'
import { request as secure } from 'node:https'
import { type Forbids, farLookup, literalOf } from '../../web/far.ts'
import { plainText } from './words.ts'

/** RFC 7807, as ACME servers answer. `status` 0: there was no answer. */
export class Problem extends Error {
  readonly status: number
  readonly type: string
  readonly subproblems: readonly { readonly name: string; readonly detail: string }[]
  readonly retryAfterMs: number | undefined

  constructor(said: {
    status: number
    type?: string
    detail: string
    subproblems?: readonly { readonly name: string; readonly detail: string }[]
    retryAfterMs?: number | undefined
  }) {
    super(plainText(said.detail))
    this.status = said.status
    this.type = said.type ?? ''
    this.subproblems = said.subproblems ?? []
    this.retryAfterMs = said.retryAfterMs
  }
}

/** What of axios' request is looked at. */
interface Asked {
  readonly url?: string
  readonly method?: string
  readonly data?: unknown
  readonly headers?: object
}

const requestMs = 30_000
const longestBytes = 1024 ** 2
const badNonce = 'urn:ietf:params:acme:error:badNonce'

/** An adapter for axios. Nothing that is forbidden is connected to, whatever URLs the server names. */
export const askWith = (forbids: Forbids) => async (config: Asked) => {
  const { url = '' } = config
  const response = await send(config, forbids).catch((thrown: unknown) => {
    throw new Problem({ status: 0, detail: `${originOf(url)} does not answer: ${whyOf(thrown)}` })
  })
  const { statusCode: status = 0, statusMessage: statusText = '', headers } = response
  const text = await textOf(response, url)
  const body: unknown = /json/.test(headers['content-type'] ?? '') ? readJson(text) : text
  if (status >= 300 && (body as { type?: unknown } | null)?.type !== badNonce) throw problemOf(url, response, body)
  return {
    ...{ data: body, status, statusText, config, request: undefined },
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
  }
}

async function send(
  { url = '', method = 'get', data, headers = {} }: Asked,
  forbids: Forbids,
): Promise<IncomingMessage> {
  const to = new URL(url)
  const refused = (address: string) => new Error(`it leads to ${address}, which is this host’s own or its guests’`)
  const literal = literalOf(to)
  if (literal !== undefined && forbids(literal)) throw refused(literal)
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const options: RequestOptions = {
    ...{ method: method.toUpperCase(), agent: false, signal: AbortSignal.timeout(requestMs) },
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
    lookup: farLookup(forbids, refused),
  }
  const request = (to.protocol === 'http:' ? plain : secure)(to, options, resolve).once('error', reject)
  request.end(data === undefined ? undefined : String(data))
  return promise
}

async function textOf(response: IncomingMessage, url: string): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    bytes += chunk.length
    if (bytes > longestBytes) throw new Problem({ status: 0, detail: `${originOf(url)} answers without end` })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function problemOf(url: string, { statusCode: status = 0, headers }: IncomingMessage, body: unknown): Problem {
  const said = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>
  const subproblems = Array.isArray(said.subproblems) ? said.subproblems : []
  return new Problem({
    status,
    type: typeof said.type === 'string' ? said.type : '',
    detail: typeof said.detail === 'string' ? said.detail : `${originOf(url)} answers ${status}`,
    subproblems: subproblems.flatMap((each: { identifier?: { value?: unknown }; detail?: unknown } | null) =>
      typeof each?.identifier?.value === 'string'
        ? [{ name: each.identifier.value, detail: String(each.detail ?? '') }]
        : [],
    ),
    retryAfterMs: retryAfterOf(headers['retry-after']),
  })
}

/** Seconds, or a date. */
export function retryAfterOf(text: string | undefined, now = Date.now()): number | undefined {
  if (text === undefined) return undefined
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now
  return Number.isFinite(ms) && ms > 0 ? ms : undefined
}

const originOf = (url: string): string => (URL.canParse(url) ? new URL(url).origin : 'the ACME server')

function whyOf(thrown: unknown): string {
  const cause = (thrown as { cause?: { code?: string; message?: string } }).cause
  return cause?.message || cause?.code || String((thrown as Error).message)
}
