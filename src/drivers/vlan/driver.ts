/**
 * Networks of the site on tagged links of the host: a guest's address there is routed to the guest's own link, and the host
 * answers for it on the wire. What was told last stays in force while the daemon is dead.
 */

export interface VlanGuest {
  readonly number: number
  /** Of that network. */
  readonly addresses: readonly string[]
  /** Its addresses in the farm: what it sends from them to the network bears one of the above. */
  readonly own: readonly string[]
  /** The host answers for them; false before it is known that nobody else does. */
  readonly answers: boolean
}

export interface VlanWish {
  readonly name: string
  readonly uplink: string
  /** The tag, and the routing table. */
  readonly vlan: number
  /** Without it that of the uplink. */
  readonly mtu?: number
  readonly subnets: readonly { readonly subnet: string; readonly gateway?: string }[]
  readonly guests: readonly VlanGuest[]
}

export interface VlansWish {
  /** Networks of the farm itself: their way is the same for all. */
  readonly farm: readonly string[]
  readonly networks: readonly VlanWish[]
}

export interface VlanFact {
  readonly device: string
  readonly up: boolean
  readonly mtu: number
}

export interface Vlans {
  readonly name: string
  /** Exactly these: what was made for others goes. Says what it had to change; told twice, nothing the second time. */
  reconcile(wish: VlansWish): Promise<readonly string[]>
  /** Whether somebody else on that network has the address. Its device must have been told. */
  answers(network: Pick<VlanWish, 'uplink' | 'vlan'>, address: string): Promise<boolean>
  /** Why this host can make no such device, whatever its uplink; undefined: nothing is known against it. Makes none. */
  obstacle(): Promise<string | undefined>
  /** Devices that are ours. */
  facts(): Promise<readonly VlanFact[]>
}
