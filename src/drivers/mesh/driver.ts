/**
 * How the hosts of a farm reach each other's guests: addresses of the hosts among themselves, and routes to what is behind each.
 * What was told last stays in force while the daemon is dead.
 */

/** `wireguard`: sealed, over any wire. `none`: as it is, over a wire that is trusted. */
export type MeshKind = 'wireguard' | 'none'

export interface MeshPeer {
  readonly name: string
  /** Of the host, in the farm. */
  readonly number: number
  /** '' where nothing is sealed. */
  readonly publicKey: string
  /** `192.0.2.7:51820`, `[2001:db8::7]:51820`. */
  readonly endpoint: string
  /** What is behind it, its own addresses too; the most exact one counts. None stands at two peers. */
  readonly networks: readonly string[]
}

export interface MeshWish {
  /** Of the host itself. */
  readonly number: number
  readonly addresses: readonly string[]
  /** Of the wire below. */
  readonly wireMtu: number
  readonly peers: readonly MeshPeer[]
  /** Whose packets come back as unreachable, unless a more exact route, or a guest's own link, knows better. */
  readonly refused: readonly string[]
}

export interface PeerFact {
  readonly name: string
  /** When it last proved who it is; undefined when never, or when nobody asks for proof. */
  readonly provedMsAgo?: number
  readonly receivedBytes?: number
  readonly sentBytes?: number
}

export interface Mesh {
  readonly name: string
  readonly kind: MeshKind
  /** What the others must know. `published` is what they were told last: a next key that they know is taken into use. */
  identity(published?: string): Promise<{ readonly publicKey: string; readonly port: number }>
  /** A next key, which is used when the others were told of it; '' where there are no keys. */
  nextKey(): Promise<string>
  /** How large a packet of a guest may be. */
  mtuOver(wireMtu: number): number
  /** Says what it had to change; told twice, nothing the second time. */
  reconcile(wish: MeshWish): Promise<readonly string[]>
  /** Whether somebody answers an echo request within a moment. */
  answers(address: string): Promise<boolean>
  /** Of the peers that were told last. */
  facts(): Promise<readonly PeerFact[]>
  /** Nothing of it is left in the network. Keys stay. */
  down(): Promise<void>
}
