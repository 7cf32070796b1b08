/**
 * What a rule matches, as boxes: peer addresses × ports, of one kind of service. Kernel sets refuse elements that
 * overlap, so a later rule keeps only what earlier ones of its guest left over; nothing left means it can never match.
 */
import type { Service } from '../../api/values.ts'
import type { AddressRange } from './ranges.ts'

export interface Box {
  readonly protocol: Service['protocol']
  readonly addresses: AddressRange
  readonly from: number
  readonly to: number
}

const lastPort = 65535

export function boxesOf(peers: readonly AddressRange[], service: Service): Box[] {
  return peers.map((addresses) => ({
    protocol: service.protocol,
    addresses,
    from: service.from ?? 0,
    to: service.to ?? lastPort,
  }))
}

export function serviceOf({ protocol, from, to }: Box): Service {
  const everyPort = from === 0 && to === lastPort
  return protocol === 'any' || protocol === 'icmp' || everyPort ? { protocol } : { protocol, from, to }
}

/** What of `boxes` no box of `taken` covers. A box of `any` is whole or gone: part of it has no name as a service. */
export function subtract(boxes: readonly Box[], taken: readonly Box[]): Box[] {
  return taken.reduce<Box[]>((left, cover) => left.flatMap((box) => without(box, cover)), [...boxes])
}

function without(box: Box, cover: Box): Box[] {
  const sameService = cover.protocol === 'any' || cover.protocol === box.protocol
  if (!sameService || !meets(box, cover)) return [box]
  const { family, from, to } = box.addresses
  const low = later(from, cover.addresses.from)
  const high = to - later(0n, to - cover.addresses.to)
  const inside = { ...box, addresses: { family, from: low, to: high } }
  return [
    ...(from < low ? [{ ...box, addresses: { family, from, to: low - 1n } }] : []),
    ...(high < to ? [{ ...box, addresses: { family, from: high + 1n, to } }] : []),
    ...(box.from < cover.from ? [{ ...inside, to: cover.from - 1 }] : []),
    ...(cover.to < box.to ? [{ ...inside, from: cover.to + 1 }] : []),
  ]
}

function meets(a: Box, b: Box): boolean {
  const addresses =
    a.addresses.family === b.addresses.family &&
    a.addresses.from <= b.addresses.to &&
    b.addresses.from <= a.addresses.to
  return addresses && a.from <= b.to && b.from <= a.to
}

function later(a: bigint, b: bigint): bigint {
  if (a < b) return b
  return a
}
