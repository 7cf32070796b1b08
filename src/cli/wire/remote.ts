/** A farm from afar: TLS, loaded for this alone. The token is written only to who has proved to be of that farm. */
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { CroftError } from '../../api/errors.ts'
import { chainOf, fingerprintOf, isStranger, pemOf, placeOf, refuseOthersThanHosts } from '../../api/pinned.ts'
import type { Io } from '../io.ts'
import type { Line } from './line.ts'
import { findLogin } from './logins.ts'

export interface Remote {
  readonly farm: string
  readonly address: string
  readonly ca: string
  readonly token: string
}

const defaultPort = 8443
const connectMs = 15_000

/** CROFT_TOKEN goes before what was kept. A place instead of a name needs CROFT_FINGERPRINT: for machines that never log in. */
export async function findRemote(env: Io['env'], farm: string): Promise<Remote> {
  const login = /^[a-z0-9-]+$/.test(farm) ? await findLogin(env, farm) : undefined
  const token = env.CROFT_TOKEN || login?.token
  if (login && token) return { farm, address: login.address, ca: login.ca, token }
  const pinned = env.CROFT_FINGERPRINT
  if (!pinned || !token)
    throw new CroftError('NOT_FOUND', `you are not logged in to a farm "${farm}"`, {
      hint: 'croft login (or set CROFT_FINGERPRINT and CROFT_TOKEN)',
    })
  const address = withPort(farm)
  return { farm, address, ca: (await fetchAuthority(address, parseFingerprint(pinned))).ca, token }
}

export function lineTo(remote: Remote): Line {
  if (!/^[\x21-\x7e]+$/.test(remote.token))
    throw new CroftError('USAGE', 'the token holds something that no token holds', { hint: 'croft login' })
  return {
    open: () =>
      connect({ ...placeOf(remote.address), ca: remote.ca, checkServerIdentity: refuseOthersThanHosts, ...always }),
    ready: 'secureConnect',
    connectMs,
    heads: [`authorization: Bearer ${remote.token}`],
    failure: (cause) => remoteFailure(remote, cause),
  }
}

const always: ConnectionOptions = { minVersion: 'TLSv1.3', ALPNProtocols: ['http/1.1'] }

/**
 * The CA that this place shows, and its fingerprint: the pinned one, or, when none is given, whichever it is for a
 * person to judge. Nothing is sent here, and nothing proved: that is for the next connection, made with this CA alone.
 */
export function fetchAuthority(
  address: string,
  pinned: string | undefined,
): Promise<{ readonly ca: string; readonly fingerprint: string }> {
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connect({ ...placeOf(address), ...always, rejectUnauthorized: false })
    socket.setTimeout(connectMs, () => socket.destroy(new Error(`no answer in ${connectMs / 1000} s`)))
    socket.once('error', (cause) => reject(remoteFailure({ farm: address, address }, cause)))
    socket.once('secureConnect', () => {
      const chain = chainOf(socket.getPeerCertificate(true))
      socket.destroy()
      const root = chain.find((each) => fingerprintOf(each) === pinned) ?? (pinned ? undefined : chain.at(-1))
      if (root) return resolve({ ca: pemOf(root.raw), fingerprint: fingerprintOf(root) })
      reject(
        new CroftError('REFUSED', `${address} does not belong to the farm of this fingerprint; nothing was sent`, {
          hint: 'on a host of the farm: croft farm show',
        }),
      )
    })
  })
}

/** As people copy it: with colons or without, in capitals or not. */
export function parseFingerprint(text: string): string {
  const plain = text.replaceAll(':', '').toLowerCase()
  if (/^[0-9a-f]{64}$/.test(plain)) return plain
  throw new CroftError('USAGE', 'a fingerprint has 64 hexadecimal digits', {
    hint: 'on a host of the farm: croft farm show',
  })
}

/** `HOST` or `HOST:PORT`. */
export function withPort(address: string): string {
  const match = /^([A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9a-fA-F:.]{2,45}\])(?::(\d{1,5}))?$/.exec(
    address,
  )
  const port = Number(match?.[2] ?? defaultPort)
  if (match && port > 0 && port < 65_536) return `${match[1]}:${port}`
  throw new CroftError('USAGE', `"${address}" is not a place like croft.example.org:8443`, { hint: 'croft help login' })
}

const absent = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT'])

export function remoteFailure(
  { farm, address }: Pick<Remote, 'farm' | 'address'>,
  cause: NodeJS.ErrnoException,
): CroftError {
  const code = cause.code ?? ''
  if (absent.has(code))
    return new CroftError('UNREACHABLE', `nothing answers on ${address} (${code})`, {
      hint: 'on a host of the farm: croft farm show',
      cause,
    })
  if (isStranger(cause))
    return new CroftError(
      'REFUSED',
      `${address} does not show a certificate of farm "${farm}" (${code}); nothing was sent`,
      {
        hint: `when its CA was made anew: croft logout ${farm}, and log in again`,
        cause,
      },
    )
  return new CroftError('UNREACHABLE', `the connection to ${address} broke: ${cause.message}`, {
    hint: 'croft op ls',
    cause,
  })
}
