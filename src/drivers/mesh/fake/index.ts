/** A mesh in memory: drivers on one wire, and packets that are asked about instead of sent. */
import { createHash } from 'node:crypto'
import { contains, parseRange } from '../../../plan/firewall/ranges.ts'
import { checkWish } from '../check.ts'
import type { Mesh, MeshPeer, MeshWish, PeerFact } from '../driver.ts'

/** What joins them: endpoint → who hears there. */
export type FakeWire = Map<string, FakeMesh>
export const fakeWire = (): FakeWire => new Map()

export interface FakeMesh extends Mesh {
  /** Whether a packet from an address of this host, or of a guest on it, comes to the other address. */
  sends(from: string, to: string): boolean
  /** As a foreign hand does: its link is gone. */
  breakLink(): void
  /** As an enemy on the wire does: whether it takes a packet that is sealed with that key and says it comes from there. */
  takes(key: string, from: string): boolean
  readonly wish: MeshWish | undefined
  /** Who answers an echo request. */
  readonly answering: Set<string>
}

const port = 51_820
const overhead = 80

export function createFakeMesh({ wire, endpoint }: { readonly wire: FakeWire; readonly endpoint: string }): FakeMesh {
  let [generation, next]: [number, number | undefined] = [0, undefined]
  const answering = new Set<string>()
  let wish: MeshWish | undefined
  let link: MeshWish | undefined
  const keyOf = (which: number) => createHash('sha256').update(`${endpoint} ${which}`).digest('base64')

  const mesh: FakeMesh = {
    ...{ name: 'fake', kind: 'wireguard' },
    async identity(published) {
      if (next !== undefined && published === keyOf(next)) [generation, next] = [next, undefined]
      return { publicKey: keyOf(generation), port }
    },
    async nextKey() {
      next = generation + 1
      return keyOf(next)
    },
    mtuOver: (wireMtu) => wireMtu - overhead,
    async reconcile(wanted) {
      checkWish('wireguard', wanted)
      wire.set(endpoint, mesh)
      const same = JSON.stringify(wanted) === JSON.stringify(link)
      wish = structuredClone(wanted)
      link = wish
      return same ? [] : ['mesh: told anew']
    },
    answering,
    answers: async (address) => answering.has(address),
    facts: async () => (wish?.peers ?? []).map(({ name }): PeerFact => ({ name, provedMsAgo: 0 })),
    async down() {
      wish = undefined
      link = undefined
      wire.delete(endpoint)
    },
    sends(from, to) {
      const peer = behind(link?.peers ?? [], to)
      const target = peer && wire.get(peer.endpoint)
      return target?.takes(keyOf(generation), from) ?? false
    },
    takes: (key, from) => link !== undefined && behind(link.peers, from)?.publicKey === key,
    breakLink() {
      link = undefined
    },
    get wish() {
      return wish
    },
  }
  return mesh
}

/** The most exact network counts. */
function behind(peers: readonly MeshPeer[], address: string): MeshPeer | undefined {
  const at = parseRange(address)
  const found = peers.flatMap((peer) =>
    peer.networks.flatMap((network) => {
      const range = parseRange(network)
      return at && range && contains(range, at) ? [{ peer, size: range.to - range.from }] : []
    }),
  )
  return found.toSorted((a, b) => Number(a.size - b.size))[0]?.peer
}
