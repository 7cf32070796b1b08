/** Addresses to hear at: as HAProxy binds them, as it says that it could not, and whether one could now. */
import { createServer } from 'node:net'
import { parseListen } from '../../../api/values.ts'
import type { Missed } from '../driver.ts'

interface Address {
  readonly host: string
  readonly port: number
}

/** `:80` is both families where there are two; apart, so that an IPv4 address is told as one. */
export function addressesOf(listen: string, { ipv6 }: { readonly ipv6: boolean }): Address[] {
  const { host, port = 0 } = parseListen(listen) ?? {}
  if (host !== undefined) return [{ host, port }]
  return [{ host: '0.0.0.0', port }, ...(ipv6 ? [{ host: '::', port }] : [])]
}

export function overlap(one: string, other: string): boolean {
  const [a, b] = [parseListen(one), parseListen(other)]
  return a?.port === b?.port && (a?.host === undefined || b?.host === undefined || a.host === b.host)
}

const refused = /cannot bind socket \(([^)]+)\) for \[(\S+):(\d+)\]/g

/** Of these addresses, those that HAProxy says it could not have. */
export function parseMissed(text: string, listens: readonly string[], around: { readonly ipv6: boolean }): Missed[] {
  const said = new Map([...text.matchAll(refused)].map(([, why = '', host = '', port]) => [textOf(host, port), why]))
  return listens.flatMap((listen) => {
    const why = addressesOf(listen, around)
      .map(({ host, port }) => said.get(textOf(host, port)))
      .find((each) => each !== undefined)
    return why === undefined ? [] : [{ listen, why: inWords(why) }]
  })
}

/** One of IPv6 can be written in many ways. */
const textOf = (host: string, port: number | string | undefined): string =>
  `${host.includes(':') ? new URL(`http://[${host}]`).hostname : host}:${port}`

const inWords = (why: string): string =>
  ({
    'Address already in use': 'another program of the host has it',
    'Cannot assign requested address': 'the host has no such address',
  })[why] ?? why

/** Hears there for a moment. What cannot be told so is left to HAProxy. */
export async function isTaken(listen: string, around: { readonly ipv6: boolean }): Promise<Missed | undefined> {
  for (const address of addressesOf(listen, around)) {
    const code = await tryOne(address)
    if (code === 'EADDRINUSE') return { listen, why: inWords('Address already in use') }
    if (code === 'EADDRNOTAVAIL') return { listen, why: inWords('Cannot assign requested address') }
  }
  return undefined
}

const tryOne = ({ host, port }: Address): Promise<string | undefined> =>
  new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code))
    server.listen({ host, port, ipv6Only: true, exclusive: true }, () => server.close(() => resolve(undefined)))
  })
