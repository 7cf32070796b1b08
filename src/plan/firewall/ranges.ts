/** Addresses as numbers: ranges of one family, and how they are read and written. Pure; firewall drivers use it too. */
import { isIP, SocketAddress } from 'node:net'

export type Family = 4 | 6

/** Both ends belong to it. */
export interface AddressRange {
  readonly family: Family
  readonly from: bigint
  readonly to: bigint
}

export const everything: readonly AddressRange[] = [
  { family: 4, from: 0n, to: (1n << 32n) - 1n },
  { family: 6, from: 0n, to: (1n << 128n) - 1n },
]

/** `192.0.2.7`, `10.0.0.0/8` (host bits are dropped) or `10.0.0.3-10.0.0.9`; undefined when it is none of these. */
export function parseRange(text: string): AddressRange | undefined {
  const [first = '', last, ...rest] = text.split('-')
  if (rest.length > 0) return undefined
  if (last === undefined) return parseNetwork(first)
  const from = parseAddress(first)
  const to = parseAddress(last)
  if (!from || !to || from.family !== to.family || from.value > to.value) return undefined
  return { family: from.family, from: from.value, to: to.value }
}

/** The shortest way to say it, in the kernel tools' own spelling: address, network, or range. */
export function formatRange({ family, from, to }: AddressRange): string {
  if (from === to) return formatAddress(family, from)
  const size = to - from + 1n
  const aligned = (size & (size - 1n)) === 0n && (from & (size - 1n)) === 0n
  if (!aligned) return `${formatAddress(family, from)}-${formatAddress(family, to)}`
  return `${formatAddress(family, from)}/${widthOf(family) - (size.toString(2).length - 1)}`
}

export function contains(outer: AddressRange, inner: AddressRange): boolean {
  return outer.family === inner.family && outer.from <= inner.from && inner.to <= outer.to
}

function parseNetwork(text: string): AddressRange | undefined {
  const [address = '', bits, ...rest] = text.split('/')
  const parsed = parseAddress(address)
  if (!parsed || rest.length > 0) return undefined
  const { family, value } = parsed
  if (bits === undefined) return { family, from: value, to: value }
  if (!/^\d{1,3}$/.test(bits) || Number(bits) > widthOf(family)) return undefined
  const host = (1n << BigInt(widthOf(family) - Number(bits))) - 1n
  const from = value - (value & host)
  return { family, from, to: from + host }
}

function parseAddress(text: string): { family: Family; value: bigint } | undefined {
  const family = isIP(text)
  if (family === 4) return { family, value: text.split('.').reduce((sum, byte) => sum * 256n + BigInt(byte), 0n) }
  if (family !== 6 || text.includes('%')) return undefined
  return { family, value: groupsOf(text).reduce((sum, group) => sum * 65536n + BigInt(`0x${group}`), 0n) }
}

/** The eight groups of an IPv6 address, a dotted tail turned into two of them. */
function groupsOf(text: string): string[] {
  const plain = text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) => {
    const pair = (high: string, low: string) => (Number(high) * 256 + Number(low)).toString(16)
    return `${pair(a, b)}:${pair(c, d)}`
  })
  const [head = '', tail] = plain.split('::')
  const split = (part: string) => (part === '' ? [] : part.split(':'))
  if (tail === undefined) return split(head)
  const left = split(head)
  const right = split(tail)
  return [...left, ...Array.from({ length: 8 - left.length - right.length }, () => '0'), ...right]
}

function formatAddress(family: Family, value: bigint): string {
  const bits = family === 4 ? 8 : 16
  const parts = Array.from({ length: family === 4 ? 4 : 8 }, (_, i, n = family === 4 ? 4 : 8) =>
    ((value >> BigInt(bits * (n - 1 - i))) & ((1n << BigInt(bits)) - 1n)).toString(family === 4 ? 10 : 16),
  )
  if (family === 4) return parts.join('.')
  return new SocketAddress({ address: parts.join(':'), family: 'ipv6' }).address
}

const widthOf = (family: Family): number => (family === 4 ? 32 : 128)

/** This network, loopback, link-local, multicast and what is reserved; the same of IPv6, and IPv4 written as IPv6. */
export const nobodys: readonly AddressRange[] = [
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/3',
  '::/96',
  '::ffff:0:0/96',
  'fe80::/10',
  'ff00::/8',
].flatMap((network) => parseRange(network) ?? [])
