/** Servers as lines of the configuration and as words to the running process: both say the same. Pure. */
import { isIP } from 'node:net'
import type { EdgeServer, Site, SiteTarget, StreamSite } from '../driver.ts'
import { backendOf, serverOf, streamOf, waitingServer } from './layout.ts'

/** Servers of one backend. All that they have in common is its structure: a change of it needs new workers. */
export interface ServerSet {
  readonly backend: string
  readonly options: string
  readonly servers: readonly EdgeServer[]
  /** New and gone ones as words to the process; otherwise only their addresses and states. */
  readonly comeAndGo: boolean
  /** Whether requests wait while none of the servers takes connections. */
  readonly waits: boolean
  /** Nobody is to wait now. */
  readonly silent: boolean
}

/**
 * Nothing hears there, and nobody but root could: a connection is refused, which is told a moment later and not at once. HAProxy
 * waits before it tries again only after such.
 */
const nothing = '127.99.0.1:1'

type Servers = Extract<SiteTarget, { kind: 'servers' }>

/**
 * A server is there until connections to it fail, and again when one succeeds. What is asked by HTTP is also gone when it
 * answers badly.
 */
export const errorsUntilDown = 3
const watched = `check inter 5s fastinter 500ms downinter 500ms fall 2 rise 1 observe layer4 error-limit ${errorsUntilDown} on-error mark-down`

export const serverSets = (sites: readonly Site[], streams: readonly StreamSite[]): ServerSet[] => [
  ...sites.flatMap((site) => (site.target.kind === 'servers' ? [setOfSite(site, site.target)] : [])),
  ...streams.map(setOfStream),
]

export function setOfSite(site: Site, target: Servers): ServerSet {
  const { connectionsPerServer: most } = site.limits
  const options = [watched, ...(most === undefined ? [] : [`maxconn ${most}`]), ...proxied(target.clientAddress)]
  return {
    backend: backendOf(site.id),
    options: options.join(' '),
    servers: target.servers,
    comeAndGo: !target.sticky,
    waits: site.limits.queueSeconds > 0,
    silent: target.silent === true,
  }
}

export const setOfStream = (stream: StreamSite): ServerSet => ({
  backend: streamOf(stream.id),
  options: [watched, ...proxied(stream.clientAddress)].join(' '),
  servers: stream.servers,
  comeAndGo: true,
  ...{ waits: false, silent: false },
})

const proxied = (clientAddress: string): string[] =>
  clientAddress === 'proxy' ? ['send-proxy-v2', 'check-send-proxy'] : []

/** In maintenance a server finishes what it has and gets nothing new, clients that keep to it included. */
export const serverLines = ({ servers, options, waits, silent }: ServerSet): string[] => [
  ...servers.map(
    (server) =>
      `server ${serverOf(server.id)} ${placeOf(server)} ${options}${server.state === 'drain' ? ' disabled' : ''}`,
  ),
  ...(waits ? [`server ${waitingServer} ${nothing} backup${servers.length === 0 || silent ? ' disabled' : ''}`] : []),
]

/** Lines of servers, which a running process is told by words. */
export const withoutServers = (config: string): string =>
  config.replaceAll(new RegExp(`^ {2}server (s_|${waitingServer} ).*\n`, 'gm'), '')

export const placeOf = ({ address, port }: { readonly address: string; readonly port: number }): string =>
  isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`
