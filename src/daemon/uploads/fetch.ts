/** A file from the web: http and https only, few redirects, no way back from https, nothing larger than was said. */
import type { IncomingMessage } from 'node:http'
import { CroftError, isCode } from '../../api/errors.ts'
import type { Forbids } from '../../drivers/web/far.ts'
import { get } from './web.ts'

const maxRedirects = 5

export interface FetchOptions {
  readonly maxBytes: number
  readonly signal: AbortSignal
  /** Addresses that may not be connected to, whatever name or redirect leads there. */
  readonly forbids?: Forbids
}

export interface Fetched {
  readonly body: AsyncIterable<Uint8Array>
}

export async function fetchFile(address: string, options: FetchOptions): Promise<Fetched> {
  let url = checkedUrl(address)
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    const answer = await ask(url, options)
    const { statusCode: status = 0, headers } = answer
    if (status === 200 && Number(headers['content-length'] ?? 0) <= options.maxBytes)
      return { body: reading(url, answer) }
    answer.destroy()
    if (status === 200) throw new CroftError('TOO_LARGE', `the file is larger than ${options.maxBytes} bytes`)
    if (status < 300 || status >= 400) throw failed(url, `it answered ${status}`)
    url = nextUrl(url, headers.location)
  }
  throw failed(url, `more than ${maxRedirects} redirects`)
}

async function ask(url: URL, { signal, forbids }: FetchOptions): Promise<IncomingMessage> {
  try {
    return await get(url, signal, forbids)
  } catch (thrown) {
    signal.throwIfAborted()
    throw isCode(thrown, 'REFUSED') ? thrown : failed(url, reasonOf(thrown))
  }
}

async function* reading(url: URL, body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body
  } catch (thrown) {
    throw failed(url, `the connection broke: ${reasonOf(thrown)}`)
  }
}

function nextUrl(from: URL, location: string | undefined): URL {
  if (location === undefined || !URL.canParse(location, from)) throw failed(from, 'it leads nowhere')
  const next = checkedUrl(new URL(location, from).href)
  if (from.protocol === 'https:' && next.protocol !== 'https:') throw failed(from, 'it leads from https to http')
  return next
}

function checkedUrl(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url && (url.protocol === 'http:' || url.protocol === 'https:') && url.username === '' && url.password === '')
    return url
  throw new CroftError('BAD_VALUE', 'the address must begin with http:// or https:// and hold no password')
}

/** For people: what is behind the ? may be a key to the file. */
export const withoutQuery = (address: string): string => address.replace(/[?#].*$/s, '')

/** An abort hides the reason one level down; of several addresses each has its own. */
function reasonOf(thrown: unknown): string {
  const { code, message, cause } = thrown as { code?: string; message?: string; cause?: { message?: string } }
  return cause?.message ?? code ?? (message || String(thrown))
}

const failed = (url: URL, why: string): CroftError =>
  new CroftError('FAILED', `${url.origin}${url.pathname.slice(0, 200)}: ${why}`)
