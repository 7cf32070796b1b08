/**
 * What hosts show to members of the store, and members to each other. etcd believes whatever its CA has signed, and the
 * farm's CA signs certificates of clients and of the edge too: so the store has a CA of its own that signs hosts alone. Its
 * key follows from that of the farm's CA: who has the one has the other, nothing more has to be handed over to a host that
 * joins, and none of them is written down.
 */
import { createECDH, createPrivateKey, createPublicKey, hkdfSync, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CroftError } from '../../api/errors.ts'
import type { Runner } from '../../drivers/exec/command.ts'
import { isDue, lifeMs, validityFrom } from '../../plan/certificates.ts'
import type { Env } from '../env.ts'
import { replaceFile } from '../replace-file.ts'
import { shapeOf } from './authority.ts'
import { issue, type Wanted } from './openssl.ts'
import { findCa, findPair, type Pair } from './pair.ts'

export interface StorePairParts {
  readonly env: Pick<Env, 'now' | 'id'>
  readonly run: Runner
  /** Of the farm's CA: `folderOf(stateDir)`. */
  readonly folder: string
  readonly host: string
}

export interface StorePair {
  /** PEM: for `openEtcdStore` and `openCluster`. */
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string }
  /** Paths: for `Member.start`. */
  readonly files: { readonly ca: string; readonly cert: string; readonly key: string }
}

/** Makes what is missing or due. The addresses are those that members are asked at, and ask from. */
export async function refreshStorePair(parts: StorePairParts, addresses: readonly string[]): Promise<StorePair> {
  const { env, run, folder, host } = parts
  const files = { ca: join(folder, 'store-ca.pem'), cert: join(folder, 'store.pem'), key: join(folder, 'store.pem') }
  const farmCa = await findCa(join(folder, 'ca.pem'))
  if (!farmCa) throw new CroftError('FAILED', 'the farm has no certificates yet', { hint: 'croft doctor' })
  const make = (wanted: Wanted) => issue(run, join(folder, `work-${env.id()}`), wanted)

  const key = storeKeyOf(farmCa.key)
  const kept = await readCertificates(files.ca)
  const isOurs = kept[0]?.publicKey.equals(createPublicKey(key)) ?? false
  const wanted = { kind: 'ca', subject: 'croft store', names: [], key, ...validityFrom(env.now(), lifeMs.ca) } as const
  const all = isOurs ? kept : [new X509Certificate((await make(wanted)).certificate), ...kept]
  // The former one is trusted as long as that of the farm is.
  const cas = all.slice(0, farmCa.former ? 2 : 1)
  const ca = cas.map(String).join('')
  if (ca !== kept.map(String).join('')) await replaceFile(files.ca, ca)

  const names = ['127.0.0.1', ...addresses]
  const found = await findPair(files.cert)
  if (found && isGood(found, { cas, host }) && !isDue(shapeOf(found.x509), env.now(), names))
    return { files, tls: { ca, key: found.key, cert: found.pem } }
  const validity = validityFrom(env.now(), lifeMs.host)
  const made = await make({ kind: 'host', subject: host, names, ...validity, signer: `${key}${cas[0]}` })
  await replaceFile(files.cert, `${made.key}${made.certificate}`)
  return { files, tls: { ca, key: made.key, cert: made.certificate } }
}

const isGood = ({ x509 }: Pair, { cas, host }: { cas: readonly X509Certificate[]; host: string }): boolean =>
  x509.subject.endsWith(`CN=${host}`) && cas.some(({ publicKey }) => x509.verify(publicKey))

/** They can be made again: what cannot be read is as good as none. */
async function readCertificates(file: string): Promise<X509Certificate[]> {
  try {
    const text = await readFile(file, 'utf8')
    return (text.match(certificates) ?? []).map((pem) => new X509Certificate(pem))
  } catch {
    return []
  }
}

const certificates = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g

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
