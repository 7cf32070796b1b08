/** One GET, with a look at the address that is really connected to: a name may lead anywhere, also the second time it is asked. */
import type { IncomingMessage, RequestOptions } from 'node:http'
import { CroftError } from '../../api/errors.ts'
import { type Forbids, farLookup, literalOf } from '../../drivers/web/far.ts'

const headersMs = 60_000

/** Redirects are answers as any other here. */
export async function get(url: URL, signal: AbortSignal, forbids: Forbids = () => false): Promise<IncomingMessage> {
  const { request } = await import(url.protocol === 'https:' ? 'node:https' : 'node:http')
  const literal = literalOf(url)
  if (literal !== undefined && forbids(literal)) throw refused(url, literal)
  const patience = new AbortController()
  const timer = setTimeout(() => patience.abort(new Error(`no answer in ${headersMs / 1000} s`)), headersMs)
  const options: RequestOptions = {
    headers: { 'user-agent': 'croft', 'accept-encoding': 'identity' },
    signal: AbortSignal.any([signal, patience.signal]),
    // A connection of its own: none is taken over that was looked up for another.
    agent: false,
    lookup: farLookup(forbids, (address) => refused(url, address)),
  }
  try {
    return await new Promise<IncomingMessage>((answered, failed) => {
      request(url, options, answered).once('error', failed).end()
    })
  } finally {
    clearTimeout(timer)
  }
}

const refused = (url: URL, address: string): CroftError =>
  new CroftError('REFUSED', `${url.origin} leads to ${address}, which is this host’s own or its guests’`, {
    hint: 'fetch it and send it: croft template import NAME FILE; root on the host may name it as it is',
  })
