/** Certificates that people bring: key and chain are looked at whole before anything is kept of them. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { CroftError } from '../../api/errors.ts'

export interface Bundle {
  /** PEM, PKCS 8. */
  readonly key: string
  /** PEM: the certificate, then those that lead to its root, without the root. */
  readonly chain: string
  readonly names: readonly string[]
  /** What is odd, and may be meant. */
  readonly warnings: readonly string[]
}

/** As it is kept; the edge takes no longer one. */
export const longestPem = 150_000
const mostCertificates = 10
const leastRsaBits = 2048
/** More costs the edge too much at each handshake. */
const mostRsaBits = 8192
/** What browsers know. */
const curves: ReadonlySet<string> = new Set(['prime256v1', 'secp384r1', 'secp521r1'])
const hostName = /^(\*\.)?(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

/** Throws BAD_VALUE with what is wrong, in words that never hold the key. */
export function readBundle(text: string, now: number, roots: () => readonly string[]): Bundle {
  if (text.length > longestPem) throw wrong(`it is longer than ${longestPem} characters`)
  const blocks = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]{1,40})-----\r?\n([^-]*)-----END \1-----/g)]
  const key = keyOf(blocks)
  const chain = chainOf(blocks)
  const [leaf] = chain
  if (!leaf) throw wrong('it holds no certificate')
  assertFits(leaf, key, chain)
  assertChain(chain)
  assertTime(leaf, now)
  const names = namesOf(leaf)
  const sent = chain.filter((each, at) => at === 0 || !isRoot(each))
  const texts = {
    key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    chain: sent.map((each) => each.toString()).join(''),
  }
  if (texts.key.length + texts.chain.length > longestPem) throw wrong(`it is longer than ${longestPem} characters`)
  return {
    ...texts,
    names,
    warnings: warningsOf(sent, roots),
  }
}

type Blocks = readonly RegExpMatchArray[]

function keyOf(blocks: Blocks): KeyObject {
  const found = blocks.filter(([, what = '']) => what.endsWith('PRIVATE KEY'))
  if (found.length === 0) throw wrong('it holds no private key: give it with --key')
  if (found.length > 1) throw wrong('it holds more than one private key')
  const [block = '', what = ''] = found[0] ?? []
  if (what.startsWith('ENCRYPTED') || block.includes('ENCRYPTED'))
    throw wrong('the private key has a password: take it off first')
  const key = readKey(block)
  const { modulusLength = leastRsaBits, namedCurve = 'prime256v1' } = key.asymmetricKeyDetails ?? {}
  if (!['rsa', 'ec'].includes(key.asymmetricKeyType ?? '')) throw wrong('the private key is neither RSA nor EC')
  if (modulusLength < leastRsaBits) throw wrong(`an RSA key of ${modulusLength} bits is too short`)
  if (modulusLength > mostRsaBits) throw wrong(`an RSA key of ${modulusLength} bits is too long`)
  if (!curves.has(namedCurve)) throw wrong(`browsers do not know the curve ${namedCurve}`)
  return key
}

function readKey(block: string): KeyObject {
  try {
    return createPrivateKey(block)
  } catch {
    throw wrong('the private key cannot be read')
  }
}

function chainOf(blocks: Blocks): X509Certificate[] {
  const found = blocks.filter(([, what = '']) => what === 'CERTIFICATE' || what === 'X509 CERTIFICATE')
  if (found.length > mostCertificates) throw wrong(`it holds more than ${mostCertificates} certificates`)
  return found.map(([block], at) => {
    try {
      return new X509Certificate(block)
    } catch {
      throw wrong(`certificate ${at + 1} cannot be read`)
    }
  })
}

function assertFits(leaf: X509Certificate, key: KeyObject, chain: readonly X509Certificate[]): void {
  if (leaf.checkPrivateKey(key)) return
  const at = chain.findIndex((each) => each.checkPrivateKey(key))
  throw wrong(
    at > 0
      ? `the key belongs to certificate ${at + 1}: that one must come first`
      : `the key does not belong to the certificate (${nameOf(leaf)})`,
  )
}

/** Each is signed by the next one. */
function assertChain(chain: readonly X509Certificate[]): void {
  for (const [at, each] of chain.entries()) {
    const issuer = chain[at + 1]
    if (!issuer) return
    if (!issuer.ca) throw wrong(`certificate ${at + 2} (${nameOf(issuer)}) is no CA, so it cannot be in the chain`)
    if (!each.checkIssued(issuer) || !each.verify(issuer.publicKey))
      throw wrong(`certificate ${at + 2} (${nameOf(issuer)}) did not sign certificate ${at + 1} (${nameOf(each)})`)
  }
}

function assertTime({ validFromDate, validToDate }: X509Certificate, now: number): void {
  if (validToDate.getTime() <= now) throw wrong(`it ended on ${validToDate.toISOString().slice(0, 10)}`)
  if (validFromDate.getTime() > now + 24 * 3600_000)
    throw wrong(`it begins on ${validFromDate.toISOString().slice(0, 10)} only`)
}

function namesOf({ subjectAltName = '', ca }: X509Certificate): string[] {
  if (ca) throw wrong('it is the certificate of a CA, not of a server')
  const names = subjectAltName
    .split(', ')
    .filter((each) => each.startsWith('DNS:'))
    .map((each) => each.slice('DNS:'.length).toLowerCase())
  const odd = names.find((name) => !hostName.test(name))
  if (odd !== undefined) throw wrong(`it bears a name that is no host name: ${JSON.stringify(odd).slice(0, 80)}`)
  if (names.length === 0) throw wrong('it bears no host name')
  return [...new Set(names)]
}

/** The most usual mistake: the certificates between it and a root are missing. */
function warningsOf(sent: readonly X509Certificate[], roots: () => readonly string[]): string[] {
  const last = sent.at(-1)
  if (!last || isRoot(last)) return []
  const known = roots().some((pem) => last.checkIssued(new X509Certificate(pem)))
  return known
    ? []
    : [`its chain ends at "${issuerText(last)}", which no public root is: clients may miss a certificate between`]
}

const isRoot = (each: X509Certificate): boolean => each.ca && each.checkIssued(each)
const nameOf = ({ subject }: X509Certificate): string =>
  plain(/^CN=(.*)$/m.exec(subject ?? '')?.[1] ?? 'without a name')
const issuerText = ({ issuer }: X509Certificate): string =>
  plain(/^CN=(.*)$/m.exec(issuer ?? '')?.[1] ?? 'an unnamed one')
const plain = (text: string): string => text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, 60)

const wrong = (what: string): CroftError =>
  new CroftError('BAD_VALUE', `the certificate cannot be taken: ${what}`, { hint: 'croft help cert import' })
