/** Who stands at the door to the outside: who shows a token that the farm knows, or a certificate of its CA. */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { CroftError, isCode } from '../../api/errors.ts'
import { hostOrganisation } from '../../api/pinned.ts'
import type { Store } from '../../store/store.ts'
import { callerHeader, readCaller } from '../peers/caller.ts'
import { hostKeyOf, isKeyOf } from '../records/host-key.ts'
import { findInvitationOf } from '../records/invitations.ts'
import { keys } from '../records/keys.ts'
import { type HostRecord, read, type TokenRecord } from '../records/records.ts'
import { findCertificateOf, findTokenOf, isExpired, roleOf } from '../records/tokens.ts'
import type { Caller } from './access.ts'
import { Attempts } from './attempts.ts'
import type { Visitors } from './visitors.ts'

export interface IdentifyParts {
  readonly now: () => number
  readonly store: () => Store
  readonly visitors: Visitors
}

export type Identify = (request: IncomingMessage) => Promise<Caller>

export function createIdentify({ now, store, visitors }: IdentifyParts): Identify {
  const attempts = new Attempts(now)

  function refuse(request: IncomingMessage, why: string): CroftError {
    if (attempts.failed(request.socket.remoteAddress ?? ''))
      return new CroftError('TOO_MANY_ATTEMPTS', 'too many requests from your address did not say who they are', {
        hint: 'wait a minute',
      })
    return new CroftError('UNAUTHENTICATED', why, {
      hint: 'croft login (on a host of the farm: croft token add NAME --login)',
    })
  }

  return async (request) => {
    const host = hostShownBy(request)
    if (host !== undefined) {
      if (await isOfFarm(store, host, request.socket)) return callerFrom(host, request.headers[callerHeader])
      throw refuse(request, `host ${host} is no host of this farm, was declared dead, or has another key`)
    }
    const secret = invitationIn(request)
    if (secret !== undefined) {
      const invitation = await answered(() => findInvitationOf(store(), secret))
      if (!invitation) throw refuse(request, 'this invitation is not known here')
      const { id } = invitation.value
      const from = request.socket.remoteAddress
      return { name: `invitation:${id}`, role: 'invited', invitation: id, ...(from === undefined ? {} : { from }) }
    }
    const { record, refusal } = await find(store, request)
    if (!record) throw refuse(request, refusal)
    if (isExpired(record, now())) throw refuse(request, `this ${record.kind ?? 'token'} ended at ${record.expires}`)
    visitors.came(record.name, request.socket, record.expires)
    return { name: `${record.kind ?? 'token'}:${record.name}`, role: roleOf(record), token: record.name }
  }
}

/** A host on its way into the farm shows it. */
const invitationIn = ({ headers }: IncomingMessage): string | undefined =>
  /^Bearer croftjoin_([\x21-\x7e]{1,200})$/.exec(headers.authorization ?? '')?.[1]

/** Who shows a token is a user, whatever certificate he comes with. */
function hostShownBy({ headers, socket }: IncomingMessage): string | undefined {
  const { authorized, getPeerCertificate } = socket as Partial<TLSSocket>
  if (!authorized || !getPeerCertificate || headers.authorization !== undefined) return undefined
  const { subject } = getPeerCertificate.call(socket)
  return subject?.O === hostOrganisation && typeof subject.CN === 'string' ? subject.CN : undefined
}

/** The CA's key has been in the hands of each host that ever was: a name that it signed is not enough. */
async function isOfFarm(store: () => Store, host: string, socket: Socket): Promise<boolean> {
  const record = await answered(() => read<HostRecord>(store(), keys.host(host)))
  if (record === undefined || record.value.dead !== undefined) return false
  const shown = (socket as TLSSocket).getPeerX509Certificate()
  return shown !== undefined && isKeyOf(record.value, () => hostKeyOf(shown))
}

const callerFrom = (host: string, header: string | string[] | undefined): Caller =>
  header === undefined ? { name: `host:${host}`, role: 'host' } : readCaller(String(header), host)

interface Found {
  readonly record: TokenRecord | undefined
  readonly refusal: string
}

function find(store: () => Store, { headers, socket }: IncomingMessage): Promise<Found> {
  const { authorization } = headers
  return answered(() =>
    authorization === undefined ? findByCertificate(store, socket) : findByToken(store, authorization),
  )
}

/** What is wrong with a store is not for strangers. */
async function answered<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (thrown) {
    if (!isCode(thrown, 'STORE_CLOSED')) throw thrown
    throw new CroftError('STORE_CLOSED', 'the store is away: who you are cannot be told now', { cause: thrown })
  }
}

async function findByToken(store: () => Store, header: string): Promise<Found> {
  const shown = /^Bearer ([\x21-\x7e]{1,200})$/i.exec(header)?.[1]
  return {
    record: shown === undefined ? undefined : await findTokenOf(store(), shown),
    refusal: 'this token is not known here: removed, used up, or of another farm',
  }
}

/** TLS has found it to be of our CA, or it counts as none. */
async function findByCertificate(store: () => Store, socket: Socket): Promise<Found> {
  const { authorized, getPeerCertificate } = socket as Partial<TLSSocket>
  if (!authorized || !getPeerCertificate)
    return { record: undefined, refusal: 'this door asks for a token, or a certificate that the farm made' }
  const { subject, fingerprint256 } = getPeerCertificate.call(socket)
  const fingerprint = fingerprint256.replaceAll(':', '').toLowerCase()
  return {
    record: await findCertificateOf(store(), String(subject.CN), fingerprint),
    refusal: 'this certificate is not known here any more',
  }
}
