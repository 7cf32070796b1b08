/** Network of one host: what must hold for guests' links to work, and what links there are. Links are named `croft<number>`. */
export interface Link {
  readonly name: string
  readonly number: number
  readonly up: boolean
}
export interface HostNetwork {
  /** The device with the default route, or null. */
  readonly uplink: string | null
  readonly mtu: number
  /** Those of it that other machines reach; none without an uplink. */
  readonly addresses: readonly string[]
}
/** What this host lives by. */
export interface Surroundings {
  /** Networks that are on a link of it, as `192.0.2.11/24`: by the address that it has there. */
  readonly links: readonly string[]
  /** Its ways out and its name servers. */
  readonly needs: readonly string[]
}
export interface GuestEnd {
  /** A process of the guest: the end lies in its network namespace. */
  readonly pid: number
  readonly ipv4: string
  readonly ipv6: string
  /** Further addresses, routed to it. */
  readonly more: readonly string[]
  readonly mtu: number
  /** Just started with all this: only its IPv6 addresses, which it would first look for elsewhere, are made usable. */
  readonly fresh: boolean
}
export interface Network {
  readonly name: string
  /** Gateway address on lo, forwarding, neighbour limits, accept_ra. Idempotent. Returns what it had to change. */
  prepare(): Promise<readonly string[]>
  uplink(): Promise<HostNetwork>
  links(): Promise<readonly Link[]>
  /** Whether a program of the host waits for others on that port. */
  listens(protocol: 'tcp' | 'udp', port: number): Promise<boolean>
  /** After a start: the guest's own link settings that LXC does not make. */
  tune(link: string, options: { readonly reachableFromLoopback: boolean }): Promise<void>
  /** What `tune` set last; undefined when there is no such link. */
  isReachableFromLoopback(link: string): Promise<boolean | undefined>
  /** After a start and while it runs: the guest's end of it, and the routes to what is behind. */
  equip(link: string, end: GuestEnd): Promise<void>
  /** The host answers for exactly these on its uplink, as if they were there. */
  announce(addresses: readonly string[]): Promise<void>
  /** What of the host itself an address is; undefined when nothing. */
  claims(address: string): Promise<string | undefined>
  surroundings(): Promise<Surroundings>
  /** A link left by a guest that is gone. Routes and neighbours go with it. */
  removeLink(name: string): Promise<void>
}
