/** One GET, with a look at the address that is really connected to: a name may lead anywhere, also the second time it is asked. */
import { lookup as resolve } from 'node:dns'
import type { IncomingMessage, RequestOptions } from 'node:http'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import os from 'node:os'
import { CroftError } from '../../api/errors.ts'
import { cloudAddresses } from '../../plan/addresses.ts'

export type Forbids = (address: string) => boolean

const headersMs = 60_000
/** This host itself, and its link. IPv4 written as IPv6 counts as IPv4. */
const near = [
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '::/96',
  'fe80::/10',
  ...cloudAddresses.v4,
  ...cloudAddresses.v6,
]

/** What a caller from afar has no business with: services of this host and its guests stand behind no password there. */
export function nearHost(prefixes: readonly string[]): Forbids {
  const own = Object.values(os.networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address))
  const list = new BlockList()
  for (const range of [...near, ...prefixes, ...own]) {
    const [address = '', bits] = range.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    list.addSubnet(address, Number(bits ?? (family === 'ipv6' ? 128 : 32)), family)
  }
  return (address) => list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

/** Redirects are answers as any other here. */
export async function get(url: URL, signal: AbortSignal, forbids: Forbids = () => false): Promise<IncomingMessage> {
  const { request } = await import(url.protocol === 'https:' ? 'node:https' : 'node:http')
  const literal = url.hostname.replace(/^\[|\]$/g, '')
  if (isIP(literal) !== 0 && forbids(literal)) throw refused(url, literal)
  const patience = new AbortController()
  const timer = setTimeout(() => patience.abort(new Error(`no answer in ${headersMs / 1000} s`)), headersMs)
  const options: RequestOptions = {
    headers: { 'user-agent': 'croft', 'accept-encoding': 'identity' },
    signal: AbortSignal.any([signal, patience.signal]),
    // A connection of its own: none is taken over that was looked up for another.
    agent: false,
    lookup: lookupFor(url, forbids),
  }
  try {
    return await new Promise<IncomingMessage>((answered, failed) => {
      request(url, options, answered).once('error', failed).end()
    })
  } finally {
    clearTimeout(timer)
  }
}

const lookupFor =
  (url: URL, forbids: Forbids): LookupFunction =>
  (name, options, callback) =>
    resolve(name, { ...options, all: true }, (error, found) => {
      const bad = found?.find(({ address }) => forbids(address))
      if (error || bad) return callback(error ?? refused(url, bad?.address ?? ''), '', 0)
      if (options.all) return callback(null, found)
      return callback(null, found[0]?.address ?? '', found[0]?.family)
    })

const refused = (url: URL, address: string): CroftError =>
  new CroftError('REFUSED', `${url.origin} leads to ${address}, which is this host’s own or its guests’`, {
    hint: 'fetch it and send it: croft template import NAME FILE; root on the host may name it as it is',
  })
