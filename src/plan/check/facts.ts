/** What was seen of a route from outside, before anybody judges it. */

export interface CheckSubject {
  /** The route: `shop.example.org`, `shop.example.org/api`, `:5432`. */
  readonly name: string
  /** Of the record: a route that was made anew is another one. */
  readonly id: string
  readonly kind: 'guest' | 'site' | 'redirect' | 'upstream' | 'tcp'
  /** Names that serve; the first is the one that aliases lead to. `*.example.org` stands for one label. */
  readonly hosts: readonly string[]
  readonly aliases: readonly string[]
  readonly path: string
  readonly https: 'only' | 'both' | 'off'
  /** The certificate is the guest's own. */
  readonly passthrough: boolean
  /** Who may come; what holds for the domain of a path is in it. */
  readonly access: CheckAccess
  /** Of a guest's route: who answers, and what it does now. */
  readonly target?: {
    readonly guest: string
    readonly state: string
    readonly address: string
    readonly port: number
  }
}

export interface CheckAccess {
  readonly maintenance: boolean
  readonly users: readonly string[]
  readonly allow: readonly string[]
  readonly deny: readonly string[]
  /** Networks that pass maintenance pages. */
  readonly operators: readonly string[]
}

export const openToAll: CheckAccess = { maintenance: false, users: [], allow: [], deny: [], operators: [] }

/** What could not be found out, and why. */
export interface Failure {
  readonly failure: string
}

export interface EdgeFacts {
  /** Addresses and networks at which the world reaches the edge. */
  readonly addresses: readonly string[]
  /** By family: false when the host has only private ones, and may stand behind one that translates. */
  readonly certain: { readonly 4: boolean; readonly 6: boolean }
}

/** Of one name at one server; no addresses when the server said that there are none. */
export type DnsAnswer = { readonly addresses: readonly string[]; readonly ttlSeconds: number } | Failure
export interface DnsFacts {
  readonly name: string
  readonly server: string
  readonly v4: DnsAnswer
  readonly v6: DnsAnswer
}

export interface TlsSeen {
  readonly name: string
  readonly from: number
  readonly until: number
  readonly matches: boolean
  /** The names that it is for. */
  readonly names: readonly string[]
  readonly issuer: string
  readonly trust: 'public' | 'farm' | 'none'
  /** Why nobody trusts it. */
  readonly reason?: string
}
export type TlsFacts = TlsSeen | ({ readonly name: string } & Failure)

/** Where a name leads in the end, as far as it is the edge that leads; null when it serves instead. */
export type LeadFacts =
  | { readonly name: string; readonly status: number; readonly to: string | null }
  | ({ readonly name: string } & Failure)

export type HttpFacts = { readonly status: number; readonly firstByteMs: number } | Failure

export interface CheckFacts {
  readonly now: number
  readonly edge: EdgeFacts
  readonly dns: readonly DnsFacts[]
  readonly redirect?: LeadFacts
  readonly aliases: readonly LeadFacts[]
  readonly tls: readonly TlsFacts[]
  readonly http?: HttpFacts
  /** Of a TCP route: how long until it was connected. */
  readonly tcp?: { readonly connectMs: number } | Failure
  /** Whether the guest takes connections; absent where no guest that runs is to. */
  readonly listens?: boolean
  /** Names that were left out, for there are so many. */
  readonly unseen: number
}

export const failed = <T extends object>(facts: T | Failure): facts is Failure => 'failure' in facts
