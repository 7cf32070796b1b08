/** How acme-client reaches the server: each request ends in time, and a server that says no is told as what it said. */
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

/** An adapter for axios. */
export async function ask(config: Asked) {
  const { url = '', method = 'get', data } = config
  const response = await fetch(url, {
    method: method.toUpperCase(),
    headers: Object.fromEntries(Object.entries(config.headers ?? {}).map(([name, value]) => [name, String(value)])),
    signal: AbortSignal.timeout(requestMs),
    redirect: 'error',
    ...(data === undefined ? {} : { body: String(data) }),
  }).catch((thrown: unknown) => {
    throw new Problem({ status: 0, detail: `${originOf(url)} does not answer: ${whyOf(thrown)}` })
  })
  const text = await textOf(response, url)
  const type = response.headers.get('content-type') ?? ''
  const body: unknown = /json/.test(type) ? readJson(text) : text
  const { status } = response
  if (status >= 400 && (body as { type?: unknown } | null)?.type !== badNonce) throw problemOf(url, response, body)
  return {
    ...{ data: body, status, statusText: response.statusText, config, request: undefined },
    headers: Object.fromEntries(response.headers),
  }
}

async function textOf(response: Response, url: string): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
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

function problemOf(url: string, { status, headers }: Response, body: unknown): Problem {
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
    retryAfterMs: retryAfterOf(headers.get('retry-after')),
  })
}

/** Seconds, or a date. */
export function retryAfterOf(text: string | null, now = Date.now()): number | undefined {
  if (text === null) return undefined
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now
  return Number.isFinite(ms) && ms > 0 ? ms : undefined
}

const originOf = (url: string): string => (URL.canParse(url) ? new URL(url).origin : 'the ACME server')

function whyOf(thrown: unknown): string {
  const cause = (thrown as { cause?: { code?: string; message?: string } }).cause
  return cause?.message || cause?.code || String((thrown as Error).message)
}
