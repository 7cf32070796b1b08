/** A file from the web: http and https only, few redirects, no way back from https, nothing larger than was said. */
import { CroftError } from '../../api/errors.ts'

const maxRedirects = 5
const headersMs = 60_000

export interface Fetched {
  readonly body: AsyncIterable<Uint8Array>
}

export async function fetchFile(address: string, maxBytes: number, signal: AbortSignal): Promise<Fetched> {
  let url = checkedUrl(address)
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    const answer = await get(url, signal)
    if (answer.status >= 300 && answer.status < 400) {
      await answer.body?.cancel()
      url = nextUrl(url, answer.headers.get('location'))
      continue
    }
    if (answer.status !== 200 || !answer.body) {
      await answer.body?.cancel()
      throw failed(url, `it answered ${answer.status}`)
    }
    if (Number(answer.headers.get('content-length') ?? 0) > maxBytes) {
      await answer.body.cancel()
      throw new CroftError('TOO_LARGE', `the file is larger than ${maxBytes} bytes`)
    }
    return { body: reading(url, answer.body) }
  }
  throw failed(url, `more than ${maxRedirects} redirects`)
}

async function get(url: URL, signal: AbortSignal): Promise<Response> {
  const patience = new AbortController()
  const timer = setTimeout(() => patience.abort(new Error(`no answer in ${headersMs / 1000} s`)), headersMs)
  try {
    const headers = { 'user-agent': 'croft', 'accept-encoding': 'identity' }
    return await fetch(url, { redirect: 'manual', headers, signal: AbortSignal.any([signal, patience.signal]) })
  } catch (thrown) {
    signal.throwIfAborted()
    throw failed(url, reasonOf(thrown))
  } finally {
    clearTimeout(timer)
  }
}

async function* reading(url: URL, body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body
  } catch (thrown) {
    throw failed(url, `the connection broke: ${reasonOf(thrown)}`)
  }
}

function nextUrl(from: URL, location: string | null): URL {
  if (location === null || !URL.canParse(location, from)) throw failed(from, 'it leads nowhere')
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

/** Undici hides the reason one level down. */
function reasonOf(thrown: unknown): string {
  const { message, cause } = thrown as { message?: string; cause?: { message?: string; code?: string } }
  return cause?.code ?? cause?.message ?? message ?? String(thrown)
}

const failed = (url: URL, why: string): CroftError =>
  new CroftError('FAILED', `${url.origin}${url.pathname.slice(0, 200)}: ${why}`)
