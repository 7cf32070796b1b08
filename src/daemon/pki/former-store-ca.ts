/**
 * The CA of a store that a croft from before `store-ca` has begun (docs/design/versions.md): its key follows from that of the
 * farm's CA, none was written down, and each host has a certificate of its own for it. It goes on as it is, until the farm goes
 * over to another CA.
 */
import { createECDH, createPrivateKey, createPublicKey, hkdfSync } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { lifeMs, validityFrom } from '../../plan/certificates.ts'
import { issue } from './openssl.ts'
import { findCa, type Pair, readPair } from './pair.ts'
import type { StorePairParts } from './store-pair.ts'
import { workFolder } from './work.ts'

const certificates = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g

/** As this host has trusted it. Undefined: the store has begun otherwise. */
export async function findFormerStoreCa(folder: string): Promise<Pair | undefined> {
  const [farmCa, trusted] = await Promise.all([
    findCa(join(folder, 'ca.pem')),
    readFile(join(folder, 'store-ca.pem'), 'utf8').catch(() => ''),
  ])
  if (!farmCa) return undefined
  const key = storeKeyOf(farmCa.key)
  return (trusted.match(certificates) ?? []).map((pem) => readPairIfOf(key, pem)).find((pair) => pair !== undefined)
}

function readPairIfOf(key: string, pem: string): Pair | undefined {
  try {
    return readPair(`${key}${pem}`)
  } catch {
    return undefined
  }
}

/** For a host that comes: it was handed the farm's CA alone. */
export async function makeFormerStoreCa(
  { env, run, folder }: Pick<StorePairParts, 'env' | 'run' | 'folder'>,
  farmCa: string,
): Promise<Pair> {
  const key = storeKeyOf(readPair(farmCa).key)
  const wanted = { kind: 'ca', subject: 'croft store', names: [], key, ...validityFrom(env.now(), lifeMs.ca) } as const
  const made = await issue(run, workFolder(folder, env), wanted)
  return readPair(`${made.key}${made.certificate}`)
}

/** An older croft can come by it: all that it has is the farm's CA. */
export async function isFormerStoreCa(folder: string, { x509 }: Pick<Pair, 'x509'>): Promise<boolean> {
  const farmCa = await findCa(join(folder, 'ca.pem'))
  return farmCa !== undefined && createPublicKey(storeKeyOf(farmCa.key)).equals(x509.publicKey)
}

/** Of P-256. */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** A key on P-256, the same for the same text. */
export function storeKeyOf(farmKey: string): string {
  const seed = createPrivateKey(farmKey).export({ type: 'pkcs8', format: 'der' })
  const bytes = Buffer.from(hkdfSync('sha256', seed, 'croft', 'the CA of the store', 48))
  const scalar = (BigInt(`0x${bytes.toString('hex')}`) % (order - 1n)) + 1n
  const d = Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex')
  const curve = createECDH('prime256v1')
  curve.setPrivateKey(d)
  const point = curve.getPublicKey()
  const text = (part: Buffer): string => part.toString('base64url')
  const jwk = { kty: 'EC', crv: 'P-256', x: text(point.subarray(1, 33)), y: text(point.subarray(33)), d: text(d) }
  return createPrivateKey({ key: jwk, format: 'jwk' }).export({ type: 'pkcs8', format: 'pem' }).toString()
}
