/** A server that is not of the farm, as a site asks it. Pure. */
import type { Site, SiteTarget } from '../driver.ts'
import { placeOf } from './servers.ts'

type Upstream = Extract<SiteTarget, { kind: 'upstream' }>

/** One by its name leads wherever its DNS says at the moment: each request looks where, and goes there or nowhere. */
export const isLookedAt = ({ target }: Pick<Site, 'target'>): boolean =>
  target.kind === 'upstream' && target.near !== true && isName(target.address ?? target.host)

/** `near` is the file of networks that no name may lead to. */
export function upstreamLines(site: Site, target: Upstream, near: string): string[] {
  const { scheme, host, address = host, port, verify } = target
  // Who is asked by an address hears the route's own name, which visitors ask for without a port.
  const plain = target.address !== undefined || port === (scheme === 'https' ? 443 : 80)
  const known = verify ? `verify required ca-file @system-ca verifyhost ${host}` : 'verify none'
  const tls = scheme === 'https' ? ` ssl ${isName(host) ? `sni str(${host}) ` : ''}alpn http/1.1 ${known}` : ''
  const isFar = isLookedAt(site)
  const moves = isName(address) && !isFar ? ' resolvers host resolve-prefer ipv4 init-addr libc,none' : ''
  return [
    'timeout connect 5s',
    `timeout server ${site.limits.timeoutSeconds}s`,
    `timeout queue ${Math.max(1, site.limits.queueSeconds)}s`,
    'retries 2',
    ...(isFar ? lookedAt(address, near) : []),
    `http-request set-header Host ${host}${plain ? '' : `:${port}`}`,
    `server u ${placeOf({ address: isFar ? '0.0.0.0' : address, port })}${tls}${moves}`,
  ]
}

/** What was looked at is what is connected to: between the two nobody is asked again. */
const lookedAt = (name: string, near: string): string[] => [
  `http-request do-resolve(txn.upstream,host,ipv4) str(${name})`,
  `http-request deny deny_status 503 if !{ var(txn.upstream) -m found } || { var(txn.upstream) -m ip -f ${near} }`,
  'http-request set-dst var(txn.upstream)',
]

const isName = (text: string): boolean => /[a-z]/.test(text) && !text.includes(':')
