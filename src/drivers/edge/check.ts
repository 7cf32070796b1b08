/** Every value of a wish is checked again here, before a driver makes text of it. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { CroftError } from '../../api/errors.ts'
import { parseListen } from '../../api/values.ts'
import { parseRange } from '../../plan/firewall/ranges.ts'
import type { EdgeCertificate, EdgeServer, EdgeWish, Site, SiteLimits, SiteTarget, StreamSite } from './driver.ts'

const id = /^[a-z0-9]{1,40}$/
const label = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?'
const host = new RegExp(`^(?=.{1,253}$)(${label}\\.)*${label}$`)
const hostOrWildcard = new RegExp(`^(?=.{1,253}$)(\\*\\.)?(${label}\\.)*${label}$`)
const path = /^\/$|^(?!.*\/\.{1,2}(\/|$))(\/[A-Za-z0-9._~-]{1,255}){1,32}$/
const url = /^https?:\/\/[A-Za-z0-9.:[\]-]{1,260}(\/[A-Za-z0-9._~:/?#@!&()*+,;=%-]{0,2000})?$/
const userName = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/
const cryptHash = /^\$[0-9a-z]{1,3}\$[A-Za-z0-9./$=,]{8,300}$/
const certificateName = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,199}$/
const pemText = /^(-----(BEGIN|END) [A-Z0-9 ]{1,40}-----|[A-Za-z0-9+/=]{1,76}|)$/
const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/

/** Throws BAD_VALUE at the first value that is malformed, and when a name is taken twice. */
export function checkWish(wish: EdgeWish): void {
  const once = uniqueness()
  for (const listen of [...wish.http, ...wish.https]) {
    must(isListen(listen), 'address to listen on', listen)
    once('address to listen on', listen)
  }
  const tls = wish.certificates.length > 0 || wish.streams.some(({ match }) => match.kind === 'passthrough')
  must(wish.https.length === 0 || tls, 'https without a certificate', wish.https[0])
  for (const { token, answer } of wish.tokens) {
    must(/^[A-Za-z0-9_-]{1,200}$/.test(token), 'token', token)
    must(/^[A-Za-z0-9_.-]{1,500}$/.test(answer), 'answer to a token', answer)
    once('token', token)
  }
  for (const network of [...wish.operators, ...wish.near]) must(isNetwork(network), 'network', network)
  for (const certificate of wish.certificates) {
    must(certificateName.test(certificate.name), 'name of a certificate', certificate.name)
    once('certificate', certificate.name)
    for (const name of certificate.names) must(hostOrWildcard.test(name), 'name in a certificate', name)
    must(certificate.pem.length < 200_000 && certificate.pem.split(/\r?\n/).every((line) => pemText.test(line)), 'PEM')
  }
  for (const site of wish.sites) checkSite(site, once)
  for (const stream of wish.streams) checkStream(stream, once)
}

export type Once = (what: string, value: string) => void
export function uniqueness(): Once {
  const seen = new Set<string>()
  return (what, value) => {
    must(!seen.has(`${what} ${value}`), `${what} that stands twice`, value)
    seen.add(`${what} ${value}`)
  }
}

export function checkSite(site: Site, once: Once): void {
  must(id.test(site.id), 'id', site.id)
  once('id', site.id)
  must(path.test(site.path), 'path', site.path)
  must(site.hosts.length > 0, 'site without a name', site.id)
  for (const name of site.hosts) {
    must(hostOrWildcard.test(name), 'name', name)
    once('route', `${name}${site.path}`)
  }
  must(site.aliases.length === 0 || host.test(site.hosts[0] ?? ''), 'name that aliases lead to', site.hosts[0])
  for (const name of site.aliases) {
    must(host.test(name), 'alias', name)
    once('alias', name)
  }
  must(['only', 'both', 'off'].includes(site.https), 'https', site.https)
  for (const name of site.noindex) must(hostOrWildcard.test(name), 'name', name)
  for (const network of [...site.allow, ...site.deny]) must(isNetwork(network), 'network', network)
  const names = uniqueness()
  for (const { name, hash } of site.users) {
    must(userName.test(name), 'user', name)
    must(cryptHash.test(hash), 'hash of a password of', name)
    names('user', name)
  }
  if (site.maintenance) {
    isWhole('retryAfterSeconds', site.maintenance.retryAfterSeconds, 1, 10_000_000)
    const { text = '' } = site.maintenance
    must(text.length <= 2000 && !control.test(text), 'text of a page', text)
  }
  checkLimits(site.limits)
  checkTarget(site.target)
}

function checkLimits(limits: SiteLimits): void {
  isWhole('timeoutSeconds', limits.timeoutSeconds, 1, 1_000_000)
  isWhole('queueSeconds', limits.queueSeconds, 0, 100_000)
  if (limits.requestsPerSecond !== undefined) isWhole('requestsPerSecond', limits.requestsPerSecond, 1, 1_000_000_000)
  if (limits.bodyBytes !== undefined) isWhole('bodyBytes', limits.bodyBytes, 0, Number.MAX_SAFE_INTEGER)
  if (limits.connectionsPerServer !== undefined)
    isWhole('connectionsPerServer', limits.connectionsPerServer, 1, 1_000_000)
}

function checkTarget(target: SiteTarget): void {
  switch (target.kind) {
    case 'servers':
      checkServers(target.servers)
      if (target.check) must(path.test(target.check.path), 'path of a check', target.check.path)
      must(['headers', 'proxy'].includes(target.clientAddress), 'client address', target.clientAddress)
      return
    case 'upstream':
      must(host.test(target.host) || isAddress(target.host), 'upstream', target.host)
      must(target.address === undefined || isAddress(target.address), 'upstream', target.address)
      must(['http', 'https'].includes(target.scheme), 'scheme', target.scheme)
      isWhole('port', target.port, 1, 65_535)
      return
    case 'redirect':
      must(url.test(target.to) && !target.to.includes('%['), 'address of a redirect', target.to)
      must([301, 302, 308].includes(target.status), 'status of a redirect', String(target.status))
      return
    default:
      must(false, 'target', (target as { kind: string }).kind)
  }
}

export function checkStream(stream: StreamSite, once: Once): void {
  must(id.test(stream.id), 'id', stream.id)
  once('id', stream.id)
  checkServers(stream.servers)
  must(['none', 'proxy'].includes(stream.clientAddress), 'client address', stream.clientAddress)
  if (stream.match.kind === 'port') {
    must(isListen(stream.match.listen), 'address to listen on', stream.match.listen)
    once('address to listen on', stream.match.listen)
    return
  }
  must(stream.match.kind === 'passthrough' && stream.match.hosts.length > 0, 'match', stream.match.kind)
  for (const name of stream.match.hosts) {
    must(hostOrWildcard.test(name), 'name', name)
    once('name of TLS', name)
  }
}

function checkServers(servers: readonly EdgeServer[]): void {
  const once = uniqueness()
  for (const server of servers) {
    must(id.test(server.id), 'id of a server', server.id)
    once('server', server.id)
    must(isAddress(server.address), 'address', server.address)
    isWhole('port', server.port, 1, 65_535)
    must(['ready', 'drain'].includes(server.state), 'state of a server', server.state)
  }
}

/** Dearer than the rest: a key that fits, and a certificate that can be read. */
export function checkPem({ name, pem }: EdgeCertificate): void {
  let fits = false
  try {
    fits = new X509Certificate(pem).checkPrivateKey(createPrivateKey(pem))
  } catch {
    // One of the two is not there, or cannot be read.
  }
  must(fits, 'key and certificate', name)
}

const isListen = (text: string): boolean => /^\S+$/.test(text) && parseListen(text) !== undefined
const isAddress = (text: string): boolean => isIP(text) !== 0 && !text.includes('%')
const isNetwork = (text: string): boolean => /^[0-9a-fA-F:./]+$/.test(text) && parseRange(text) !== undefined

function isWhole(what: string, value: number, least: number, most: number): void {
  must(Number.isInteger(value) && value >= least && value <= most, what, String(value))
}

function must(holds: boolean, what: string, value = ''): void {
  if (!holds) throw new CroftError('BAD_VALUE', `edge: ${what}: ${JSON.stringify(String(value).slice(0, 60))}`)
}
