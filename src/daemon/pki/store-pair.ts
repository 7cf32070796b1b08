/** What hosts show to members of the store, and members to each other: by the CA of the store (store-cas.ts). */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Runner } from '../../drivers/exec/command.ts'
import { isDue, lifeMs, validityFrom } from '../../plan/certificates.ts'
import type { Env } from '../env.ts'
import { replaceFile } from '../replace-file.ts'
import { shapeOf } from './authority.ts'
import { issue } from './openssl.ts'
import { findPair, type Pair } from './pair.ts'
import { findStoreCas, inheritStoreCas } from './store-cas.ts'
import { workFolder } from './work.ts'

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
  const cas = (await findStoreCas(folder)) ?? (await inheritStoreCas(folder))
  // In an order of its own: a member starts anew when it is another text, and not with who signs.
  const ca = cas
    .map(({ pem }) => pem)
    .sort()
    .join('')
  if (ca !== (await readFile(files.ca, 'utf8').catch(() => ''))) await replaceFile(files.ca, ca)

  const names = ['127.0.0.1', ...addresses]
  const found = await findPair(files.cert)
  if (found && isGood(found, cas, host) && !isDue(shapeOf(found.x509), env.now(), names))
    return { files, tls: { ca, key: found.key, cert: found.pem } }
  const validity = validityFrom(env.now(), lifeMs.host)
  const signer = `${cas[0]?.key}${cas[0]?.pem}`
  const made = await issue(run, workFolder(folder, env), {
    kind: 'host',
    subject: host,
    names,
    ...validity,
    signer,
  })
  await replaceFile(files.cert, `${made.key}${made.certificate}`)
  return { files, tls: { ca, key: made.key, cert: made.certificate } }
}

/** By the CA that signs now: while two are trusted the other one is on its way in, or out. */
const isGood = ({ x509 }: Pair, [signs]: readonly Pair[], host: string): boolean =>
  x509.subject.endsWith(`CN=${host}`) && signs !== undefined && x509.verify(signs.x509.publicKey)
