/** What the store holds of the edge's certificates. Private keys are sealed; everything else is public by its nature. */
import { X509Certificate } from 'node:crypto'
import { type CertificateKind, type HeldCertificate, isLent } from '../../plan/certificate-sets.ts'
import { plainAddress } from '../pki/authority.ts'
import { keys } from '../records/keys.ts'
import { schemaVersion } from '../records/records.ts'

export interface CertificateRecord {
  readonly schema: number
  readonly kind: CertificateKind
  /** Letters, digits, dot, - and _. */
  readonly name: string
  readonly names: readonly string[]
  /** The certificate first, then those that lead to its root; PEM. */
  readonly chain: string
  /** Sealed, for the record's key. */
  readonly key: string
  readonly begins: string
  readonly expires: string
  /** SHA-256 of the certificate. */
  readonly fingerprint: string
  readonly issuer: string
  /** When it was kept. */
  readonly at?: string
  /** Of the farm's own: the fingerprint of the CA that made it. */
  readonly ca?: string
  /** Of ACME: which server gave it. */
  readonly directory?: string
}

/** A record as it is held: with its revision, and its times as numbers. */
export interface Certificate extends HeldCertificate {
  readonly at: string
  readonly revision: number
  readonly record: CertificateRecord
}

export const certificateKey = (kind: CertificateKind, name: string): string => keys.edgeCertificate(`${kind}/${name}`)

export const held = (at: string, revision: number, record: CertificateRecord): Certificate => ({
  ...{
    at,
    revision,
    record,
    kind: record.kind,
    names: record.names,
    lent: record.kind !== 'imported' && isLent(record.name),
  },
  from: Date.parse(record.begins),
  until: Date.parse(record.expires),
})

export interface Made {
  readonly kind: CertificateKind
  readonly name: string
  /** PEM; sealed in the record. */
  readonly key: string
  readonly chain: string
  readonly ca?: string
  readonly directory?: string
}

export function recordOf({ kind, name, key, chain, ca, directory }: Made): CertificateRecord {
  const x509 = new X509Certificate(chain)
  return {
    schema: schemaVersion,
    ...{ kind, name, chain, key },
    names: namesOf(x509),
    begins: x509.validFromDate.toISOString(),
    expires: x509.validToDate.toISOString(),
    fingerprint: x509.fingerprint256.replaceAll(':', '').toLowerCase(),
    issuer: issuerOf(x509),
    ...(ca === undefined ? {} : { ca }),
    ...(directory === undefined ? {} : { directory }),
  }
}

export function namesOf({ subjectAltName = '' }: X509Certificate): string[] {
  const names = subjectAltName.split(', ').map((each) => each.replace(/^(DNS|IP Address):/, ''))
  return names.filter((name) => name !== '').map((name) => plainAddress(name).toLowerCase())
}

/** What a person calls it: its common name, or its organisation. One printable line. */
export function issuerOf({ issuer }: X509Certificate): string {
  const parts = new Map(
    issuer.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
  const name = parts.get('CN') ?? parts.get('O') ?? issuer
  return name.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, 100)
}
