/** Firewall of one host: a model in, kernel rules out, replaced atomically, closed when in doubt. */

import type { Service } from '../../api/values.ts'

/** One guest as the firewall sees it. Peers are resolved to addresses by plan/firewall; `id` is for counters: rule index. */
export interface GuestRules {
  readonly number: number
  readonly link: string
  readonly ipv4: string
  readonly ipv6: string
  readonly ports: readonly {
    readonly protocol: 'tcp' | 'udp'
    readonly hostPort: number
    readonly guestPort: number
    readonly address?: string
  }[]
  readonly rules: readonly ResolvedRule[]
  /** True when an `out` allow stands: everything else outwards is dropped. */
  readonly egressList: boolean
  /** Further addresses that it may send from; the first of each family is the one it shows outside. */
  readonly more?: readonly string[]
  /** The same, by a way of their own: never shown for what it sends from others. */
  readonly via?: readonly string[]
  /** Bytes a second. */
  readonly rateIn?: number
  readonly rateOut?: number
}

/** Rules of one guest, action, direction and protocol must not overlap; plan/firewall cuts them apart. `any` may. */
export interface ResolvedRule {
  readonly index: number
  readonly action: 'allow' | 'deny'
  readonly direction: 'in' | 'out'
  /** Addresses, networks, or ranges `10.0.0.3-10.0.0.9`, of both families; never names. */
  readonly peers: readonly string[]
  readonly service: Service
  readonly log: boolean
}

/** Ports of another host's address. */
export interface HostDoor {
  readonly address: string
  readonly ports: readonly number[]
}

export interface FirewallModel {
  /** Addresses that guests may have, whole: for masquerade and for knowing inside from outside. */
  readonly prefix4: string
  readonly prefix6: string
  readonly uplink: string | null
  readonly guests: readonly GuestRules[]
  /** TCP ports of the host that guests reach, where their own rules let them: the edge's. */
  readonly hostPorts?: readonly number[]
  /**
   * Addresses of the farm's hosts among themselves, where there are several. They reach guests as this host does; whatever bears
   * an address of the farm comes in by the way that leads back to it, or not at all.
   */
  readonly mesh?: {
    readonly prefix4: string
    readonly prefix6: string
    /** What other hosts keep for hosts alone, by TCP and UDP: no guest gets there, with whatever rules. */
    readonly doors: readonly HostDoor[]
  }
}

export interface Firewall {
  readonly name: string
  /** Brings the kernel to the model: elements only when the tables stand as last written, else everything in one transaction. */
  reconcile(model: FirewallModel): Promise<void>
  /** True when the kernel holds exactly what was last reconciled. Reads, never writes. */
  intact(): Promise<boolean>
  /** Packets per guest number and rule index. */
  counters(): Promise<ReadonlyMap<string, number>>
  /** Takes our tables away, nobody else's. */
  destroy(): Promise<void>
}

export const counterKey = (number: number, index: number): string => `${number}/${index}`
