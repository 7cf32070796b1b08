/**
 * The farm that a token names, over TLS: the CA that is shown must be the pinned one, and the invitation is said only on a
 * connection that trusts that CA alone.
 */
import { request } from 'node:https'
import { connect } from 'node:tls'
import { CroftError, type ErrorBody, errorTable } from '../../api/errors.ts'
import type { JoinToken } from '../../api/join.ts'
import { chainOf, fingerprintOf, isStranger, pemOf, placeOf, refuseOthersThanHosts } from '../../api/pinned.ts'
import { type Route, routes } from '../../api/routes.ts'

const connectMs = 15_000
/** The store may have to move first. */
const answerMs = 180_000
const largestBytes = 1024 * 1024
const always = { minVersion: 'TLSv1.3' } as const

export interface Dialled {
  /** The address of this host on that connection: what the other side sees of it. */
  readonly ownAddress: string
  ask(route: 'getInvitation' | 'admitHost', body?: unknown): Promise<unknown>
}

export async function dial(token: JoinToken): Promise<Dialled> {
  const { ca, ownAddress } = await pin(token)
  return { ownAddress, ask: (route, body) => ask(token, ca, { route: routes[route], body }) }
}

function pin(token: JoinToken): Promise<{ readonly ca: string; readonly ownAddress: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ ca: string; ownAddress: string }>()
  const socket = connect({ ...placeOf(token.address), ...always, rejectUnauthorized: false })
  socket.setTimeout(connectMs, () => socket.destroy(new Error(`no answer in ${connectMs / 1000} s`)))
  socket.once('error', (cause) => reject(unreachable(token, cause)))
  socket.once('secureConnect', () => {
    const shown = chainOf(socket.getPeerCertificate(true)).find((each) => fingerprintOf(each) === token.fingerprint)
    const ownAddress = socket.localAddress ?? ''
    socket.destroy()
    if (shown) return resolve({ ca: pemOf(shown.raw), ownAddress })
    reject(stranger(token))
  })
  return promise
}

interface Asked {
  readonly route: Route
  readonly body: unknown
}

function ask(token: JoinToken, ca: string, { route, body }: Asked): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  const text = body === undefined ? undefined : JSON.stringify(body)
  const headers: Record<string, string> = { authorization: `Bearer croftjoin_${token.secret}` }
  if (text !== undefined) {
    headers['content-type'] = 'application/json'
    headers['content-length'] = String(Buffer.byteLength(text))
  }
  const sent = request(
    {
      ...{ ...placeOf(token.address), ...always, ca, checkServerIdentity: refuseOthersThanHosts, agent: false },
      ...{ method: route.method, path: route.path, headers, timeout: answerMs },
    },
    (response) => {
      let said = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        said += chunk
        if (said.length > largestBytes) sent.destroy(new Error('the answer is too long'))
      })
      response.on('error', (cause) => reject(unreachable(token, cause)))
      response.on('end', () => {
        const answer = parsed(said)
        if (response.statusCode === 200) resolve(answer)
        else reject(refusal(token, answer))
      })
    },
  )
  sent.on('timeout', () => sent.destroy(new Error(`no answer in ${answerMs / 1000} s`)))
  sent.on('error', (cause) => reject(unreachable(token, cause)))
  sent.end(text)
  return promise
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** As the farm said it. */
function refusal({ address }: JoinToken, answer: unknown): CroftError {
  const { code, message, hint } = (answer ?? {}) as Partial<ErrorBody>
  if (code === undefined || !Object.hasOwn(errorTable, code) || typeof message !== 'string')
    return new CroftError('UNREACHABLE', `${address} answers in a way that croft does not`, {
      hint: 'on a host of the farm: croft host invite',
    })
  if (code === 'UNAUTHENTICATED')
    return new CroftError(
      'REFUSED',
      'the farm does not know this invitation: it was changed on its way, or is long over',
      {
        hint: 'on a host of the farm: croft host invite',
      },
    )
  return new CroftError(code, `the farm says: ${message}`, { hint })
}

const stranger = ({ address }: JoinToken, cause?: Error): CroftError =>
  new CroftError('REFUSED', `${address} is no host of the farm that this token names; nothing was said to it`, {
    hint: 'on a host of the farm: croft host invite',
    cause,
  })

function unreachable(token: JoinToken, cause: NodeJS.ErrnoException): CroftError {
  if (isStranger(cause)) return stranger(token, cause)
  return new CroftError('UNREACHABLE', `the farm at ${token.address} does not answer: ${cause.message}`, {
    hint: 'croft join TOKEN, again: nothing was changed, and the token is still good',
    cause,
  })
}
