/** Every value of a wish is checked again here, before a driver makes words of it. */
import { isIP } from 'node:net'
import { CroftError } from '../../api/errors.ts'
import { contains, formatRange, parseRange } from '../../plan/firewall/ranges.ts'
import type { MeshKind, MeshWish } from './driver.ts'

/** Throws BAD_VALUE at the first value that is malformed, and when two peers claim one thing. */
export function checkWish(kind: MeshKind, { number, addresses, wireMtu, peers, refused }: MeshWish): void {
  inRange(number, 1, 255, 'number of a host')
  inRange(wireMtu, 1280, 65_535, 'size of packets')
  for (const address of addresses) single(address)
  for (const network of refused) networkOf(network)
  const claimed = new Set<string>()
  for (const peer of peers) {
    must(/^[a-z0-9-]{1,63}$/.test(peer.name), 'name of a host', peer.name)
    inRange(peer.number, 1, 255, 'number of a host')
    must(kind === 'none' ? peer.publicKey === '' : isKey(peer.publicKey), 'public key', peer.publicKey)
    endpointOf(peer.endpoint)
    const networks = peer.networks.map(networkOf)
    for (const claim of [
      peer.name,
      `number ${peer.number}`,
      ...networks,
      ...(kind === 'none' ? [] : [peer.publicKey]),
    ]) {
      must(!claimed.has(claim), 'claimed twice', claim)
      claimed.add(claim)
    }
    // A peer that could take everything would take the way out as well.
    for (const network of networks) must(!isWide(network), 'network of a peer', network)
  }
}

export const isKey = (text: string): boolean => /^[A-Za-z0-9+/]{43}=$/.test(text)

export function endpointOf(text: string): { readonly address: string; readonly port: number } {
  const [, four, six, port] = /^(?:([0-9.]+)|\[([0-9a-f:.]+)\]):([0-9]{1,5})$/i.exec(text) ?? []
  const address = four ?? six ?? ''
  must(isIP(address) !== 0 && Number(port) >= 1 && Number(port) <= 65_535, 'endpoint', text)
  return { address, port: Number(port) }
}

/** In the kernel tools' own spelling; a single address without its length. */
export function networkOf(text: string): string {
  const range = text.includes('-') ? undefined : parseRange(text)
  must(range !== undefined, 'network', text)
  return range ? formatRange(range) : text
}

function single(text: string): void {
  must(isIP(text) !== 0 && !text.includes('%'), 'address', text)
}

/** Wider than what one host can have. */
function isWide(network: string): boolean {
  const range = parseRange(network)
  return range === undefined || range.to - range.from > 255n || contains(range, loopback) || range.from === 0n
}
const loopback = { family: 4, from: 0x7f000001n, to: 0x7f000001n } as const

function inRange(value: unknown, low: number, high: number, what: string): void {
  must(typeof value === 'number' && Number.isSafeInteger(value) && value >= low && value <= high, what, String(value))
}

function must(holds: boolean, what: string, value: string): void {
  if (!holds) throw new CroftError('BAD_VALUE', `mesh: ${what}: ${JSON.stringify(String(value).slice(0, 60))}`)
}
