/** A conversation with an ACME server (RFC 8555): from names to a certificate. It keeps nothing; what must outlive it is told on the way. */

export interface Acme {
  readonly name: string
  /**
   * Orders a certificate, or goes on with an order. A server that says no, or nothing, is an outcome and no error: what is
   * thrown is a fault of this host, what `steps` threw, or the signal's reason.
   */
  issue(wish: AcmeWish, steps: AcmeSteps, signal: AbortSignal): Promise<AcmeOutcome>
}

export interface AcmeWish {
  /** URL of the server's directory. */
  readonly directory: string
  /** PEM. */
  readonly accountKey: string
  /** As the server knows the account; absent: it is made, or found by its key. */
  readonly account?: string
  readonly email?: string
  readonly names: readonly string[]
  /** PEM; the private key behind it never comes here. */
  readonly request: string
  /** Networks that neither the directory nor what it names may lead to. */
  readonly forbids?: readonly string[]
  /** URL of an order that was begun with this request. One that the server does not know any more is made anew. */
  readonly order?: string
}

export interface AcmeSteps {
  account(account: AcmeAccount): Promise<void>
  /** The order is there. */
  begun(order: string): Promise<void>
  /** Returns when all can be seen by the server; a name that cannot be shown is answered with why. */
  prove(proofs: readonly Proof[]): Promise<readonly NameFailure[]>
}

export interface AcmeAccount {
  readonly url: string
  /** Names of the server in CAA records. */
  readonly caaIdentities: readonly string[]
}

export interface Proof {
  /** Without `*.` */
  readonly name: string
  readonly kind: 'http-01' | 'dns-01'
  readonly token: string
  /** What is answered by http; the TXT record's value for DNS. */
  readonly answer: string
}

export interface NameFailure {
  readonly name: string
  readonly reason: string
}

export type AcmeOutcome =
  /** PEM: the certificate, and those that lead to its root. */
  | { readonly end: 'issued'; readonly chain: string }
  | {
      readonly end: 'refused'
      readonly reason: string
      /** The names it is about, where the server says so. */
      readonly names: readonly NameFailure[]
      /** The server is away, in trouble, or will hear no more orders for a while: nothing is wrong with these names. */
      readonly later: boolean
      /** When it wants to be asked again. */
      readonly retryAfterMs?: number
    }
