/**
 * A farm whose CA is pinned by its fingerprint: what a place shows, and whether it is a host of that farm. For the command
 * and for a host that joins, which both meet the farm before they know it.
 */
import type { DetailedPeerCertificate, PeerCertificate } from 'node:tls'

/** The organisation in the subject of a host's certificate. Nothing else that the CA signs bears one. */
export const hostOrganisation = 'croft host'

export interface Place {
  readonly host: string
  readonly port: number
  readonly servername?: string
}

/** Of `HOST:PORT`. No name is asked for where the place is an address: TLS forbids that. */
export function placeOf(address: string): Place {
  const at = address.lastIndexOf(':')
  const host = address.slice(0, at).replace(/^\[|\]$/g, '')
  const servername = /^[0-9.]+$|:/.test(host) ? {} : { servername: host }
  return { host, port: Number(address.slice(at + 1)), ...servername }
}

/** From the leaf to whatever it was shown to end at. */
export function chainOf(leaf: DetailedPeerCertificate): DetailedPeerCertificate[] {
  const chain: DetailedPeerCertificate[] = []
  for (let each = leaf; each?.raw && !chain.includes(each) && chain.length < 10; each = each.issuerCertificate)
    chain.push(each)
  return chain
}

export const fingerprintOf = ({ fingerprint256 }: { fingerprint256: string }): string =>
  fingerprint256.replaceAll(':', '').toLowerCase()

export const pemOf = (der: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${(der.toString('base64').match(/.{1,64}/g) ?? []).join('\n')}\n-----END CERTIFICATE-----\n`

/**
 * For TLS, in place of a look at names: each host of the farm may answer, whatever it is called. The CA signs for the edge
 * and for clients too; those keys are no host's.
 */
export function refuseOthersThanHosts(_name: string, { subject }: PeerCertificate): Error | undefined {
  if (subject?.O === hostOrganisation) return undefined
  return Object.assign(new Error('what it shows is of the farm, but of no host'), { code: 'CERT_OF_NO_HOST' })
}

/** Who answered had another certificate than a host's of this farm. `code`: of the failure of the connection. */
export const isStranger = ({ code = '' }: NodeJS.ErrnoException): boolean =>
  /CERT|SIGNED|ISSUER|SIGNATURE|VERIFY|PURPOSE/.test(code)
