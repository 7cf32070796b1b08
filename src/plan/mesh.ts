/**
 * Who is behind which host: from hosts, blocks of numbers and guests that live elsewhere than their block follows what one host
 * must know of the others. A block is one network; a guest that moved is an exception, which counts before it. Pure.
 */
import type { MeshKind, MeshPeer, MeshWish } from '../drivers/mesh/driver.ts'
import { blockNetworksOf, blockSize, ipv4Of, ipv6Of, meshAddressesOf } from './addresses.ts'
import { formatRange, parseRange } from './firewall/ranges.ts'

export interface MeshHost {
  readonly name: string
  readonly number: number
  readonly mesh?: { readonly kind: MeshKind; readonly publicKey: string; readonly endpoint: string }
  /** Nobody believes it any more. */
  readonly dead?: string
}

export interface MeshInput {
  readonly self: string
  readonly kind: MeshKind
  readonly wireMtu: number
  readonly farm: { readonly prefix4: string; readonly prefix6: string }
  readonly hosts: readonly MeshHost[]
  /** Block → host. */
  readonly blocks: Readonly<Record<string, string>>
  readonly guests: readonly { readonly number: number; readonly host: string }[]
}

/** Undefined when this host is not in the farm. Hosts that have not told how they are reached are left out until they do. */
export function planMesh(input: MeshInput): MeshWish | undefined {
  const { self, farm, kind, wireMtu } = input
  const own = input.hosts.find(({ name }) => name === self)
  if (!own) return undefined
  const away = awayOf(input)
  const others = input.hosts.filter(
    ({ name, mesh, dead }) => name !== self && dead === undefined && mesh?.kind === kind,
  )
  const peers = others.flatMap(({ name, number, mesh }): MeshPeer[] => {
    if (!mesh) return []
    const { publicKey, endpoint } = mesh
    const networks = [
      ...meshAddressesOf(farm.prefix4, farm.prefix6, number),
      ...blocksOf(input, name).flatMap((block) => blockNetworksOf(farm.prefix4, farm.prefix6, block)),
      ...(away.get(name) ?? []).flatMap((guest) => addressesOf(farm, guest)),
    ]
    return [{ name, number, publicKey, endpoint, networks: networks.map(spelled) }]
  })
  // What lives here while its block is elsewhere would be sent there when it is stopped, and back again.
  const here = (away.get(self) ?? []).flatMap((guest) => addressesOf(farm, guest))
  const refused = [farm.prefix4, farm.prefix6, ...here].map(spelled)
  const addresses = meshAddressesOf(farm.prefix4, farm.prefix6, own.number).map(spelled)
  return { number: own.number, addresses, wireMtu, peers: peers.toSorted((a, b) => a.number - b.number), refused }
}

/** Numbers of guests by the host where they live, of those that live elsewhere than their block. */
function awayOf({ blocks, guests }: MeshInput): ReadonlyMap<string, readonly number[]> {
  const moved = guests.filter(({ number, host }) => blocks[Math.floor(number / blockSize)] !== host)
  const byHost = Map.groupBy(moved, ({ host }) => host)
  return new Map(
    [...byHost].map(([host, found]) => [host, found.map(({ number }) => number).toSorted((a, b) => a - b)]),
  )
}

const blocksOf = ({ blocks }: MeshInput, host: string): number[] =>
  Object.entries(blocks)
    .flatMap(([block, owner]) => (owner === host ? [Number(block)] : []))
    .toSorted((a, b) => a - b)

const addressesOf = ({ prefix4, prefix6 }: MeshInput['farm'], number: number): string[] => [
  ipv4Of(prefix4, number),
  ipv6Of(prefix6, number),
]

const spelled = (network: string): string => {
  const range = parseRange(network)
  return range ? formatRange(range) : network
}
