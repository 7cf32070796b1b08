/**
 * The farm's own certificate authority. Its key is made once, lies in the state directory for root alone, and is never
 * made anew in silence: whoever logged in has pinned it. Key and certificate are one file, so none is ever half new.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Certificate } from '../../api/door.ts'
import { CroftError } from '../../api/errors.ts'
import type { Runner } from '../../drivers/exec/command.ts'
import { type HostCertificate, isDue, lifeMs, renewsAt, validityFrom } from '../../plan/certificates.ts'
import type { Env } from '../env.ts'
import { replaceFile } from '../replace-file.ts'
import { type Issued, issue, type Wanted } from './openssl.ts'

export interface AuthorityParts {
  readonly env: Pick<Env, 'now' | 'id'>
  readonly run: Runner
  readonly folder: string
  readonly farm: string
  readonly host: string
  /** The names and addresses of this host, as they are now. */
  readonly names: () => readonly string[]
  readonly hostLifeMs?: number
}

/** PEM, as TLS takes it. */
export interface Material {
  readonly key: string
  /** The host's, and the CA's behind it. */
  readonly cert: string
  readonly ca: string
}

export interface Authority {
  /** Makes what is missing and what is due. True when the host's certificate is another one now. */
  refresh(): Promise<boolean>
  material(): Material
  /** SHA-256 of the CA's certificate, 64 hexadecimal digits: what people pin. */
  fingerprint(): string
  certificates(): Certificate[]
  issueClient(subject: string, until: number): Promise<Issued>
  /** For names that the edge serves; the CA's stands behind it. */
  issueEdge(names: readonly string[]): Promise<Issued>
}

interface Pair {
  readonly text: string
  readonly key: string
  readonly pem: string
  readonly x509: X509Certificate
}

export const folderOf = (stateDir: string): string => join(stateDir, 'pki')

export async function openAuthority(parts: AuthorityParts): Promise<Authority> {
  const { env, run, folder, farm, host, hostLifeMs = lifeMs.host } = parts
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await removeWork(folder)
  const make = (wanted: Wanted) => issue(run, join(folder, `work-${env.id()}`), wanted)
  const ca = (await findPair(join(folder, 'ca.pem'))) ?? (await makeCa())
  let own = await findPair(join(folder, 'host.pem'), 'again').then(ofOurs)

  async function makeCa(): Promise<Pair> {
    const validity = validityFrom(env.now(), lifeMs.ca)
    return keep('ca.pem', await make({ kind: 'ca', subject: `croft farm ${farm}`, names: [], ...validity }))
  }

  async function keep(name: string, { key, certificate }: Issued): Promise<Pair> {
    const pair = readPair(`${key}${certificate}`)
    await replaceFile(join(folder, name), pair.text)
    return pair
  }

  /** After a change of CA the host's is made anew. */
  function ofOurs(pair: Pair | undefined): Pair | undefined {
    return pair?.x509.verify(ca.x509.publicKey) ? pair : undefined
  }

  function getOwn(): Pair {
    if (own) return own
    throw new CroftError('FAILED', 'this host has no certificate yet', { hint: 'croft doctor' })
  }

  return {
    async refresh() {
      const names = parts.names()
      if (own && !isDue(shapeOf(own.x509), env.now(), names)) return false
      const validity = validityFrom(env.now(), hostLifeMs)
      own = await keep('host.pem', await make({ kind: 'host', subject: host, names, ...validity, signer: ca.text }))
      return true
    },
    material: () => ({ key: getOwn().key, cert: `${getOwn().pem}${ca.pem}`, ca: ca.pem }),
    fingerprint: () => fingerprintOf(ca.x509),
    certificates: () => [
      viewOf({ name: farm, kind: 'ca', x509: ca.x509 }),
      ...(own ? [viewOf({ name: host, kind: 'host', x509: own.x509 })] : []),
    ],
    issueClient: (subject, until) =>
      make({ kind: 'client', subject, names: [], ...validityFrom(env.now(), 0), until, signer: ca.text }),
    async issueEdge(names) {
      const validity = validityFrom(env.now(), lifeMs.edge)
      const { key, certificate } = await make({
        kind: 'host',
        subject: 'croft edge',
        names,
        ...validity,
        signer: ca.text,
      })
      return { key, certificate: `${certificate}${ca.pem}` }
    },
  }
}

export const fingerprintOf = ({ fingerprint256 }: X509Certificate): string =>
  fingerprint256.replaceAll(':', '').toLowerCase()

function viewOf({ name, kind, x509 }: { name: string; kind: 'ca' | 'host'; x509: X509Certificate }): Certificate {
  const shape = shapeOf(x509)
  return {
    ...{ name, kind, fingerprint: fingerprintOf(x509), names: shape.names },
    begins: new Date(shape.from).toISOString(),
    expires: new Date(shape.until).toISOString(),
    renews: kind === 'host' ? new Date(renewsAt(shape)).toISOString() : null,
  }
}

/** Names as they were asked for: `DNS:ash, IP Address:198.51.100.1`. */
function shapeOf(x509: X509Certificate): HostCertificate {
  const names = (x509.subjectAltName ?? '')
    .split(', ')
    .map((each) => plainAddress(each.replace(/^(DNS|IP Address):/, '')))
  return {
    from: x509.validFromDate.getTime(),
    until: x509.validToDate.getTime(),
    names: names.filter((name) => name !== ''),
  }
}

/** `2001:DB8:0:0:0:0:0:1` as everybody else writes it. */
export function plainAddress(text: string): string {
  if (!text.includes(':')) return text
  return new URL(`http://[${text}]`).hostname.slice(1, -1)
}

/** Undefined when there is none. What cannot be read is a loss, unless it can be made again. */
async function findPair(file: string, lost: 'throw' | 'again' = 'throw'): Promise<Pair | undefined> {
  const text = await readFile(file, 'utf8').catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return undefined
    throw thrown
  })
  if (text === undefined) return undefined
  try {
    return readPair(text)
  } catch (cause) {
    if (lost === 'again') return undefined
    throw new CroftError('DATA_LOST', `the farm's certificate authority ${file} cannot be read`, {
      hint: `put a copy of ${file} back; without it: mv it away, restart the daemon, and let everybody log in anew`,
      cause,
    })
  }
}

function readPair(text: string): Pair {
  const [key, pem] = ['PRIVATE KEY', 'CERTIFICATE'].map(
    (what) => new RegExp(`-----BEGIN ${what}-----[^-]+-----END ${what}-----\n`).exec(text)?.[0],
  )
  if (!key || !pem) throw new Error('no key, or no certificate')
  const x509 = new X509Certificate(pem)
  if (!x509.checkPrivateKey(createPrivateKey(key))) throw new Error('the key is not that of the certificate')
  return { text, key, pem, x509 }
}

/** What a killed daemon was at. */
async function removeWork(folder: string): Promise<void> {
  for (const name of await readdir(folder))
    if (name.startsWith('work-')) await rm(join(folder, name), { recursive: true, force: true })
}
