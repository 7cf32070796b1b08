/**
 * The CA of the store: etcd believes whatever its CA has signed, and the farm's CA signs certificates of clients and of the
 * edge too, so the store has one of its own, for hosts alone. It follows from nothing: who has the farm's CA has it not. Key
 * and certificate lie in one file, `store-cas.pem`; while it is exchanged there are two, and the first one signs.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CroftError } from '../../api/errors.ts'
import { lifeMs, validityFrom } from '../../plan/certificates.ts'
import { replaceFile } from '../replace-file.ts'
import { issue } from './openssl.ts'
import { type Pair, readPair } from './pair.ts'
import type { StorePairParts } from './store-pair.ts'
import { workFolder } from './work.ts'

export const storeCasFile = (folder: string): string => join(folder, 'store-cas.pem')

/** Undefined when there is none. What cannot be read is a loss: members believe nothing that another one signs. */
export async function findStoreCas(folder: string): Promise<readonly Pair[] | undefined> {
  const file = storeCasFile(folder)
  const text = await readFile(file, 'utf8').catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return undefined
    throw thrown
  })
  if (text === undefined) return undefined
  try {
    return readStoreCas(text)
  } catch (cause) {
    throw lost(`${file} cannot be read`, file, cause)
  }
}

/** After a croft that has not written it down: what it went by. */
export async function inheritStoreCas(folder: string): Promise<readonly Pair[]> {
  const { findFormerStoreCa } = await import('./former-store-ca.ts')
  const former = await findFormerStoreCa(folder)
  if (former) await keepStoreCas(folder, [former])
  return getStoreCas(folder)
}

export async function getStoreCas(folder: string): Promise<readonly Pair[]> {
  const found = await findStoreCas(folder)
  if (found) return found
  throw lost('this host has not the CA of the store', storeCasFile(folder))
}

const lost = (what: string, file: string, cause?: unknown): CroftError =>
  new CroftError('DATA_LOST', what, { hint: `put ${file} of another host of the farm there`, cause })

export const keepStoreCas = (folder: string, cas: readonly Pair[]): Promise<void> =>
  replaceFile(storeCasFile(folder), storeCasText(cas))

export const storeCasText = (cas: readonly Pair[]): string => cas.map(({ key, pem }) => `${key}${pem}`).join('')

/** Key and certificate, once or twice, and nothing else. */
export function readStoreCas(text: string): readonly Pair[] {
  const pairs = (text.match(pairText) ?? []).map(readPair)
  if (pairs.length < 1 || pairs.length > 2 || storeCasText(pairs) !== text) throw new Error('not one CA, nor two')
  if (pairs.some(({ x509 }) => !x509.ca)) throw new Error('no CA')
  return pairs
}

const pairText =
  /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----\n-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g

type Making = Pick<StorePairParts, 'env' | 'run' | 'folder'>

export async function makeStoreCa({ env, run, folder }: Making): Promise<Pair> {
  const validity = validityFrom(env.now(), lifeMs.ca)
  const wanted = { kind: 'ca', subject: 'croft store', names: [], ...validity } as const
  const { key, certificate } = await issue(run, workFolder(folder, env), wanted)
  return readPair(`${key}${certificate}`)
}

/** For the first member of a farm: there is none, or one of an attempt before. */
export async function beginStoreCas(parts: Making): Promise<void> {
  if ((await findStoreCas(parts.folder)) === undefined) await keepStoreCas(parts.folder, [await makeStoreCa(parts)])
}
