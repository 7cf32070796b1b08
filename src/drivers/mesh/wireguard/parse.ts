/** What `wg show LINK dump` and `ip -j` print. */
import { z } from 'zod'
import { networkOf } from '../check.ts'

export interface LivePeer {
  readonly publicKey: string
  /** Undefined before anything was said. */
  readonly endpoint?: string
  readonly networks: readonly string[]
  readonly provedAtSeconds?: number
  readonly receivedBytes: number
  readonly sentBytes: number
}
export interface LiveConfig {
  readonly publicKey: string
  readonly port: number
  readonly peers: readonly LivePeer[]
}

export function parseDump(text: string): LiveConfig {
  const [own = '', ...peers] = text.trimEnd().split('\n')
  const [, publicKey = '', port = ''] = own.split('\t')
  return { publicKey, port: Number(port), peers: peers.map(parsePeer) }
}

function parsePeer(line: string): LivePeer {
  const [publicKey = '', , endpoint = '', networks = '', proved = '', received = '', sent = ''] = line.split('\t')
  const list = networks === '(none)' || networks === '' ? [] : networks.split(',').map(networkOf)
  return {
    ...{ publicKey, networks: list, receivedBytes: Number(received), sentBytes: Number(sent) },
    ...(endpoint === '(none)' ? {} : { endpoint }),
    ...(Number(proved) > 0 ? { provedAtSeconds: Number(proved) } : {}),
  }
}

const Links = z.array(
  z.object({
    mtu: z.number(),
    flags: z.array(z.string()),
    addr_info: z.array(z.object({ local: z.string().optional(), scope: z.string() })).default([]),
  }),
)

export interface LiveLink {
  readonly mtu: number
  readonly up: boolean
  readonly addresses: readonly string[]
}

export function parseLink(text: string): LiveLink | undefined {
  const [link] = Links.parse(text.trim() === '' ? [] : JSON.parse(text))
  if (!link) return undefined
  const addresses = link.addr_info.flatMap(({ local, scope }) =>
    local === undefined || scope === 'link' ? [] : [local],
  )
  return { mtu: link.mtu, up: link.flags.includes('UP'), addresses }
}
