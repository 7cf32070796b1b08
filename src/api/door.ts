/** The door to the outside, who may come in by it, and the certificates that it shows. */
import { z } from 'zod'
import { EdgeChange } from './edge.ts'
import { Lifetime, Listen, Reachable } from './values.ts'

/** `listen: null` shuts the door to the outside. */
export const FarmChange = z.strictObject({
  listen: Listen.nullable().optional(),
  edge: EdgeChange.optional(),
  mesh: z.enum(['wireguard', 'none']).optional(),
})
export type FarmChange = z.input<typeof FarmChange>

/** `finish`: the former CA is trusted no longer. */
export const CaRotation = z.strictObject({ finish: z.boolean().default(false) })
export type CaRotation = z.input<typeof CaRotation>

/** This host's door to the outside. */
export interface Door {
  readonly state: 'open' | 'shut' | 'failed'
  readonly listen: string | null
  /** Where others may reach it, as this host sees itself. */
  readonly addresses: readonly string[]
  /** Of the farm's CA: what `croft login` pins. */
  readonly fingerprint: string | null
  /** Of the CA that is trusted beside it, while a new one is being brought in. */
  readonly former?: string
  readonly reason?: string
}

export interface Certificate {
  readonly name: string
  /** `ca`, `host`, `client`: of the door to the outside. `farm`, `acme`, `imported`: what the edge serves. */
  readonly kind: 'ca' | 'host' | 'client' | 'farm' | 'acme' | 'imported'
  readonly fingerprint: string
  readonly names: readonly string[]
  readonly begins: string
  readonly expires: string | null
  readonly renews: string | null
  readonly issuer?: string
  /** `waits`: names do not point here yet. `failing`: what was tried failed. `lost`: its key cannot be opened. */
  readonly state?: 'valid' | 'waits' | 'failing' | 'ends-soon' | 'expired' | 'lost'
  /** Why the last attempt failed, and when the next one is. */
  readonly failure?: { readonly reason: string; readonly at: string; readonly retries: string }
  /** Names without a certificate of a public CA, though one was asked for. */
  readonly without?: readonly {
    readonly name: string
    readonly reason: string
    readonly at: string
    readonly retries: string
  }[]
}

const certificateName = /^(?=.{1,253}$)(\*\.)?[a-z0-9_]([a-z0-9._-]*[a-z0-9])?$/
/** The name of one, or a domain that it bears. */
export const CertificateRef = z
  .string()
  .max(253)
  .transform((text) => text.toLowerCase())
  .pipe(z.string().regex(certificateName, 'must be the name of a certificate, or a domain like shop.example.org'))

export const NewCertificate = z.strictObject({
  /** The certificate, the chain behind it, and the private key, one after another. */
  pem: z.string().max(200_000),
})
export type NewCertificate = z.input<typeof NewCertificate>

export const TokenName = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'must be 1 to 63 of a-z, 0-9 and -')
/**
 * `login`: a token for one `croft login`, which gets another in its place. `certificate`: a client certificate with its key
 * instead, for programs that show one in TLS.
 */
export const NewToken = z.strictObject({
  name: TokenName,
  role: z.enum(['operator', 'reader']),
  expires: Lifetime.default(90 * 86_400_000),
  login: z.boolean().default(false),
  certificate: z.boolean().default(false),
  address: Reachable.optional(),
})
export type NewToken = z.input<typeof NewToken>
export interface Token {
  readonly name: string
  readonly kind: 'token' | 'certificate'
  readonly role: 'operator' | 'reader'
  /** Ended: a certificate whose CA the farm trusts no longer. */
  readonly state: 'valid' | 'expired' | 'unused' | 'ended'
  readonly created: string
  readonly by: string
  readonly expires: string | null
}
/** Said once, when it is made, and kept nowhere. */
export interface MadeToken extends Token {
  /** Of a certificate: its key and itself, PEM. */
  readonly secret: string
  /** The one word for `croft login`. */
  readonly login?: string
}
