/**
 * Certificates by Debian's openssl, in a short-lived process: the daemon itself carries no code for signing. What is
 * handed over lies in a folder of its own for that moment, 0700, and is gone afterwards.
 */
import { generateKeyPairSync } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { CroftError } from '../../api/errors.ts'
import { hostOrganisation } from '../../api/pinned.ts'
import type { Command, Runner } from '../../drivers/exec/command.ts'
import type { Validity } from '../../plan/certificates.ts'

export interface Wanted extends Validity {
  /** `server` is the edge: it shows names of the farm's visitors, and is no host. */
  readonly kind: 'ca' | 'host' | 'server' | 'client'
  readonly subject: string
  /** Names and addresses that a host answers to. */
  readonly names: readonly string[]
  /** Key and certificate of the CA, PEM; a CA signs itself. */
  readonly signer?: string
  /** PEM; a new one when absent. */
  readonly key?: string
}

export interface Issued {
  readonly key: string
  readonly certificate: string
}

export async function issue(run: Runner, folder: string, wanted: Wanted): Promise<Issued> {
  await mkdir(folder, { mode: 0o700 })
  const put = (name: string, text: string) => writeFile(join(folder, name), text, { mode: 0o600 })
  try {
    const key = wanted.key ?? newKey()
    await put('config', configText(wanted))
    await put('key', key)
    await put('signer', wanted.signer ?? key)
    await put('index', '')
    for (const command of commands(folder, wanted)) await run.run(command)
    return { key, certificate: await readFile(join(folder, 'certificate'), 'utf8') }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function newKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** A request for a certificate that somebody else signs. */
export async function requestOf(
  run: Runner,
  folder: string,
  { key, names }: { readonly key: string; readonly names: readonly string[] },
): Promise<string> {
  await mkdir(folder, { mode: 0o700 })
  try {
    await writeFile(join(folder, 'config'), requestText(names), { mode: 0o600 })
    await writeFile(join(folder, 'key'), key, { mode: 0o600 })
    await run.run(openssl(folder, 'req', '-new', '-subj', '/', '-config', 'config', '-key', 'key', '-out', 'request'))
    return await readFile(join(folder, 'request'), 'utf8')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const openssl = (folder: string, ...args: string[]): Command => ({
  file: 'openssl',
  args,
  cwd: folder,
  timeoutMs: 30_000,
})

/** Names in the extension alone: a common name would be cut at 64 letters. */
const requestText = (names: readonly string[]): string =>
  [
    ...['[req]', 'prompt = no', 'default_md = sha256', 'distinguished_name = name', 'req_extensions = extensions'],
    ...['[name]', '[extensions]', `subjectAltName = ${altNames(names)}`, ''],
  ].join('\n')

const altNames = (names: readonly string[]): string =>
  names.map((name) => (isIP(name) ? `IP:${plainWord(name)}` : `DNS:${plainName(name)}`)).join(', ')

export function commands(folder: string, wanted: Wanted): Command[] {
  const by = wanted.signer === undefined ? ['-selfsign'] : ['-cert', 'signer']
  const dates = ['-startdate', dateText(wanted.from), '-enddate', dateText(wanted.until)]
  return [
    openssl(folder, 'req', '-new', '-config', 'config', '-key', 'key', '-out', 'request'),
    openssl(
      folder,
      'ca',
      '-batch',
      '-config',
      'config',
      ...by,
      '-keyfile',
      'signer',
      '-in',
      'request',
      ...dates,
      '-notext',
      '-out',
      'certificate',
    ),
  ]
}

/** `20261121132034Z`, as X.509 writes time. */
const dateText = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}Z`

const purposes: Readonly<Record<Wanted['kind'], readonly string[]>> = {
  ca: ['basicConstraints = critical, CA:TRUE, pathlen:0', 'keyUsage = critical, keyCertSign, cRLSign'],
  host: [
    'basicConstraints = critical, CA:FALSE',
    'keyUsage = critical, digitalSignature',
    'extendedKeyUsage = serverAuth, clientAuth',
  ],
  server: [
    'basicConstraints = critical, CA:FALSE',
    'keyUsage = critical, digitalSignature',
    'extendedKeyUsage = serverAuth',
  ],
  client: [
    'basicConstraints = critical, CA:FALSE',
    'keyUsage = critical, digitalSignature',
    'extendedKeyUsage = clientAuth',
  ],
}

export function configText({ kind, subject, names, signer }: Wanted): string {
  return [
    ...['[ca]', 'default_ca = own'],
    ...['[own]', 'database = index', 'new_certs_dir = .', 'default_md = sha256', 'policy = any', 'rand_serial = yes'],
    ...['unique_subject = no', 'email_in_dn = no', 'x509_extensions = extensions'],
    ...['[any]', 'organizationName = optional', 'commonName = supplied'],
    ...['[req]', 'prompt = no', 'default_md = sha256', 'distinguished_name = name'],
    ...['[name]', ...(kind === 'host' ? [`O = ${hostOrganisation}`] : []), `CN = ${plainWord(subject)}`],
    ...['[extensions]', ...purposes[kind], 'subjectKeyIdentifier = hash'],
    ...(signer === undefined ? [] : ['authorityKeyIdentifier = keyid']),
    ...(names.length === 0 ? [] : [`subjectAltName = ${altNames(names)}`]),
    '',
  ].join('\n')
}

/** Also `*.example.org`. */
function plainName(text: string): string {
  if (text.length <= 253 && /^(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(text)) return text
  throw unfit()
}

/** Nothing that openssl's configuration would read as its own. */
function plainWord(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9 .:-]{0,120}$|^::[0-9a-f:.]*$/.test(text)) return text
  throw unfit()
}

const unfit = (): CroftError =>
  new CroftError('BAD_VALUE', 'a name for a certificate holds something else than letters, digits, dots, - and :')
