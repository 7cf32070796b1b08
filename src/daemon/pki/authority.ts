/**
 * The farm's own certificate authority. Its key is made once, lies in the state directory for root alone, and is never
 * made anew in silence: whoever logged in has pinned it. Key and certificate are one file, so none is ever half new.
 * A new CA comes beside the old one, which vouches for it: who trusts either trusts what the new one signs.
 */
import type { X509Certificate } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Certificate } from '../../api/door.ts'
import { CroftError } from '../../api/errors.ts'
import { hostOrganisation } from '../../api/pinned.ts'
import type { Runner } from '../../drivers/exec/command.ts'
import { type HostCertificate, isDue, lifeMs, renewsAt, validityFrom } from '../../plan/certificates.ts'
import type { Env } from '../env.ts'
import { replaceFile } from '../replace-file.ts'
import { type Issued, issue, type Wanted } from './openssl.ts'
import { type Ca, findCa, findPair, type Pair, readCa, readPair } from './pair.ts'
import { removeWork, workFolder } from './work.ts'

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
  /** The host's, and behind it what leads to each CA that is trusted. */
  readonly cert: string
  /** Whose certificates of clients count. */
  readonly ca: string
}

export interface Authority {
  /** Makes what is missing and what is due. True when the host's certificate is another one now. */
  refresh(): Promise<boolean>
  material(): Material
  /** SHA-256 of the CA's certificate, 64 hexadecimal digits: what people pin. */
  fingerprint(): string
  /** Of the CA that is trusted beside it until `finish`. */
  former(): string | undefined
  /** A new CA, beside the one there is. BUSY while there are two. The host's certificate is then due. */
  rotate(): Promise<void>
  /** From now on the present one is trusted alone. False when it is already. */
  finish(): Promise<boolean>
  /** The key with its certificate, and what leads to the former one: what another host needs to be one. */
  text(): string
  /** The CA that another host has made beside the one there is. REFUSED when that one does not vouch for it. */
  adopt(text: string): Promise<void>
  certificates(): Certificate[]
  issueClient(subject: string, until: number): Promise<Issued>
  /** For names that the edge serves; the CA's stands behind it. */
  issueEdge(names: readonly string[]): Promise<Issued>
}

export const folderOf = (stateDir: string): string => join(stateDir, 'pki')

export async function openAuthority(parts: AuthorityParts): Promise<Authority> {
  const { env, run, folder, farm, host, hostLifeMs = lifeMs.host } = parts
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await removeWork(folder)
  const make = (wanted: Wanted) => issue(run, workFolder(folder, env), wanted)
  const wantedCa = () =>
    ({ kind: 'ca', subject: `croft farm ${farm}`, names: [], ...validityFrom(env.now(), lifeMs.ca) }) as const
  let ca = (await findCa(join(folder, 'ca.pem'))) ?? (await keepCa(textOf(await make(wantedCa()))))
  let own = await findPair(join(folder, 'host.pem')).then(ofOurs)
  let turn: Promise<unknown> = Promise.resolve()

  async function keepCa(text: string): Promise<Ca> {
    const kept = readCa(text)
    await replaceFile(join(folder, 'ca.pem'), text)
    return kept
  }

  /** One after another: two would write one file. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = turn.then(work)
    turn = mine.catch(() => undefined)
    return mine
  }

  async function refresh(): Promise<boolean> {
    const names = parts.names()
    if (own && ofOurs(own) && !isDue(shapeOf(own.x509), env.now(), names)) return false
    const validity = validityFrom(env.now(), hostLifeMs)
    // The others know this host by its key: it stays.
    const wanted = {
      kind: 'host',
      subject: host,
      names,
      ...validity,
      ...(own ? { key: own.key } : {}),
      signer: ca.text,
    } as const
    const made = readPair(textOf(await make(wanted)))
    await replaceFile(join(folder, 'host.pem'), made.text)
    own = made
    return true
  }

  /** The former one’s key goes with this: it has signed what it had to. */
  async function rotate(): Promise<void> {
    if (ca.former)
      throw new CroftError('BUSY', 'a new CA is being brought in already: two are trusted', {
        hint: 'croft cert rotate --finish',
      })
    const until = ca.x509.validToDate.getTime()
    const { key, certificate } = await make(wantedCa())
    const cross = await make({ ...wantedCa(), until, key, signer: ca.text })
    ca = await keepCa(`${key}${certificate}${cross.certificate}${ca.pem}`)
  }

  async function finish(): Promise<boolean> {
    if (!ca.former) return false
    ca = await keepCa(`${ca.key}${ca.pem}`)
    return true
  }

  async function adopt(text: string): Promise<void> {
    const next = readCa(text)
    const known = [ca.x509, ...(ca.former ? [ca.former.x509] : [])].map(fingerprintOf)
    if (!known.includes(fingerprintOf((next.former ?? next).x509)))
      throw new CroftError('REFUSED', 'what another host has is no CA that follows on this one’s', {
        hint: 'croft doctor',
      })
    if (text !== ca.text) ca = await keepCa(text)
  }

  const towardsCa = (): string => `${ca.former ? `${ca.former.cross}${ca.former.pem}` : ''}${ca.pem}`

  /** After a change of CA the host's is made anew, and one that other hosts would not take for this host's too. */
  function ofOurs(pair: Pair | undefined): Pair | undefined {
    return pair?.x509.verify(ca.x509.publicKey) && saysHost(pair.x509, host) ? pair : undefined
  }

  function getOwn(): Pair {
    if (own) return own
    throw new CroftError('FAILED', 'this host has no certificate yet', { hint: 'croft doctor' })
  }

  return {
    refresh: () => inTurn(refresh),
    rotate: () => inTurn(rotate),
    finish: () => inTurn(finish),
    text: () => ca.text,
    adopt: (text) => inTurn(() => adopt(text)),
    // The former one before the present one: a client that knows only that takes the first way it finds.
    material: () => ({
      key: getOwn().key,
      cert: `${getOwn().pem}${towardsCa()}`,
      ca: `${ca.pem}${ca.former?.pem ?? ''}`,
    }),
    fingerprint: () => fingerprintOf(ca.x509),
    former: () => ca.former && fingerprintOf(ca.former.x509),
    certificates: () => [
      viewOf({ name: farm, kind: 'ca', x509: ca.x509 }),
      ...(ca.former ? [viewOf({ name: `${farm}-former`, kind: 'ca', x509: ca.former.x509 })] : []),
      ...(own ? [viewOf({ name: host, kind: 'host', x509: own.x509 })] : []),
    ],
    issueClient: (subject, until) =>
      make({ kind: 'client', subject, names: [], ...validityFrom(env.now(), 0), until, signer: ca.text }),
    async issueEdge(names) {
      const validity = validityFrom(env.now(), lifeMs.edge)
      const { key, certificate } = await make({
        kind: 'server',
        subject: 'croft edge',
        names,
        ...validity,
        signer: ca.text,
      })
      return { key, certificate: `${certificate}${towardsCa()}` }
    },
  }
}

/** It proves that it is this host, to who comes and to whom it comes. */
const saysHost = ({ subject, keyUsage }: X509Certificate, host: string): boolean =>
  subject === `O=${hostOrganisation}\nCN=${host}` && [serverAuth, clientAuth].every((each) => keyUsage?.includes(each))
const serverAuth = '1.3.6.1.5.5.7.3.1'
const clientAuth = '1.3.6.1.5.5.7.3.2'

const textOf = ({ key, certificate }: Issued): string => `${key}${certificate}`

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
export function shapeOf(x509: X509Certificate): HostCertificate {
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
