/**
 * Speaks to the edge's own listeners as a visitor would, and to nothing else: which name is asked for goes into TLS and the
 * Host header, never into where we connect. So nobody can send us anywhere by what he calls his route, and results do not
 * depend on whether the host reaches its own public address.
 */
import type { X509Certificate } from 'node:crypto'
import { type IncomingMessage, request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { connect as connectTcp } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { HttpFacts, LeadFacts, TlsFacts } from '../../plan/check/facts.ts'
import { patienceMs } from '../../plan/check/web.ts'
import type { Env } from '../env.ts'
import { fingerprintOf } from '../pki/authority.ts'

export interface Door {
  readonly address: string
  readonly port: number
}

export interface Asking {
  readonly env: Pick<Env, 'later' | 'monotonicMs'>
  readonly http: Door | undefined
  readonly https: Door | undefined
  /** SHA-256 of the farm's CA: what it signed is told apart. */
  readonly farmCa: string | null
}

/** A body is read no further: what it holds is not our affair, only that it comes. */
const mostBytes = 64 * 1024
const mostHops = 3
const longestChain = 5
/** What a slow but living site may take for the body. */
const bodyPatienceMs = 5000
const agent = 'croft-check'

interface Answered {
  readonly status: number
  readonly location: string | undefined
  readonly firstByteMs: number
}

interface Asked {
  readonly secure: boolean
  readonly host: string
  readonly path: string
}

/** Throws an Error whose message says why nothing came. */
async function ask(asking: Asking, { secure, host, path }: Asked): Promise<Answered> {
  const door = secure ? asking.https : asking.http
  if (!door) throw new Error(`the edge has no ${secure ? 'https' : 'http'}`)
  const { env } = asking
  const started = env.monotonicMs()
  const { promise, resolve, reject } = Promise.withResolvers<Answered>()
  const request = (secure ? tlsRequest : plainRequest)({
    ...{ host: door.address, port: door.port, path, method: 'GET', agent: false, maxHeaderSize: 32 * 1024 },
    ...{ headers: { host, 'user-agent': agent, accept: '*/*', connection: 'close' } },
    ...(secure ? { servername: host, rejectUnauthorized: false, checkServerIdentity: () => undefined } : {}),
  })
  using _first = env.later(patienceMs, () => request.destroy(new Error(`nothing came in ${patienceMs / 1000} s`)))
  request.once('error', reject)
  request.once('response', (response) => {
    const firstByteMs = env.monotonicMs() - started
    const { statusCode: status = 0, headers } = response
    readBody(response, env).then(() => resolve({ status, location: headers.location, firstByteMs }), reject)
  })
  request.end()
  try {
    return await promise
  } finally {
    request.on('error', () => {})
    request.destroy()
  }
}

async function readBody(response: IncomingMessage, env: Asking['env']): Promise<void> {
  let bytes = 0
  let late = false
  using _ = env.later(bodyPatienceMs, () => {
    late = true
    response.destroy()
  })
  try {
    for await (const chunk of response) {
      bytes += (chunk as Buffer).length
      if (bytes >= mostBytes) return
    }
  } catch (thrown) {
    if (late) return
    throw new Error(`it broke off after ${bytes} bytes: ${reasonOf(thrown)}`)
  }
}

export async function visit(asking: Asking, asked: Asked): Promise<HttpFacts> {
  try {
    const { status, firstByteMs } = await ask(asking, asked)
    return { status, firstByteMs }
  } catch (thrown) {
    return { failure: reasonOf(thrown) }
  }
}

/**
 * Where `asked` leads in the end. Names among `own` are the edge's: they are asked on, at the edge. A foreign one is told,
 * never followed.
 */
export async function follow(asking: Asking, asked: Asked, own: ReadonlySet<string>): Promise<LeadFacts> {
  const name = asked.host
  let next = asked
  let to: string | null = null
  try {
    for (let hop = 0; ; hop++) {
      const { status, location } = await ask(asking, next)
      const url = location === undefined || status < 300 || status > 399 ? null : URL.parse(location, urlOf(next))
      if (!url) return { name, status, to }
      to = url.href
      const leads = url.protocol === 'http:' || url.protocol === 'https:'
      if (!leads || !own.has(url.hostname) || hop >= mostHops) return { name, status, to }
      next = { secure: url.protocol === 'https:', host: url.hostname, path: url.pathname + url.search }
    }
  } catch (thrown) {
    return to === null ? { name, failure: reasonOf(thrown) } : { name, status: 0, to }
  }
}

const urlOf = ({ secure, host, path }: Asked): string => `http${secure ? 's' : ''}://${host}${path}`

/** The certificate that a visitor of this name is shown. */
export async function shake(asking: Asking, name: string): Promise<TlsFacts> {
  const { https: door, env, farmCa } = asking
  if (!door) return { name, failure: 'the edge has no https' }
  const socket = connectTls({
    ...{ host: door.address, port: door.port, servername: name },
    ...{ rejectUnauthorized: false, checkServerIdentity: () => undefined },
  })
  try {
    using _ = env.later(patienceMs, () => socket.destroy(new Error(`nothing came in ${patienceMs / 1000} s`)))
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve)
      socket.once('error', reject)
      socket.once('close', () => reject(new Error('the edge hung up')))
    })
    return seenOf(socket, name, farmCa)
  } catch (thrown) {
    return { name, failure: reasonOf(thrown) }
  } finally {
    socket.on('error', () => {})
    socket.destroy()
  }
}

function seenOf(socket: TLSSocket, name: string, farmCa: string | null): TlsFacts {
  const certificate = socket.getPeerX509Certificate()
  if (!certificate) return { name, failure: 'no certificate was shown' }
  const trust = socket.authorized ? 'public' : isBy(certificate, farmCa) ? 'farm' : 'none'
  const names = (certificate.subjectAltName ?? '').split(', ').map((each) => each.replace(/^DNS:/, ''))
  return {
    name,
    from: certificate.validFromDate.getTime(),
    until: certificate.validToDate.getTime(),
    matches: certificate.checkHost(name, { subject: 'never' }) !== undefined,
    names: names.filter((each) => each !== ''),
    issuer: issuerOf(certificate),
    trust,
    ...(trust === 'none' ? { reason: String(socket.authorizationError) } : {}),
  }
}

/** The CA comes along in the chain; that it is ours says its fingerprint, that it signed says its key. */
function isBy(certificate: X509Certificate, farmCa: string | null): boolean {
  for (let above = certificate.issuerCertificate, left = longestChain; above && left > 0; left--) {
    if (fingerprintOf(above) === farmCa) return certificate.verify(above.publicKey)
    above = above.issuerCertificate
  }
  return false
}

/** `O=…` of the issuer, else its `CN=…`. */
function issuerOf({ issuer }: X509Certificate): string {
  const part = (key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(issuer)?.[1]
  return (part('O') ?? part('CN') ?? '').slice(0, 100)
}

/** How long until a TCP route took the connection. */
export async function touch(
  { env }: Pick<Asking, 'env'>,
  door: Door,
): Promise<{ connectMs: number } | { failure: string }> {
  const started = env.monotonicMs()
  const socket = connectTcp({ host: door.address, port: door.port })
  try {
    using _ = env.later(patienceMs, () => socket.destroy(new Error(`nothing came in ${patienceMs / 1000} s`)))
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    return { connectMs: env.monotonicMs() - started }
  } catch (thrown) {
    return { failure: reasonOf(thrown) }
  } finally {
    socket.on('error', () => {})
    socket.destroy()
  }
}

function reasonOf(thrown: unknown): string {
  const { code, message } = thrown as NodeJS.ErrnoException
  if (code === 'ECONNREFUSED') return 'the edge does not listen'
  if (code === 'ECONNRESET') return 'the connection was cut'
  return (
    String(message ?? thrown)
      .split('\n', 1)[0]
      ?.slice(0, 200) ?? ''
  )
}
