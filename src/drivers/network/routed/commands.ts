import { isIPv6 } from 'node:net'
import type { Command } from '../../exec/command.ts'

const ip = (...args: string[]): Command => ({ file: 'ip', args, timeoutMs: 20_000 })

export const listLinks = (): Command => ip('-j', 'link', 'show')
export const listAddresses = (link: string): Command => ip('-j', 'address', 'show', 'dev', link)
export const listDefaultRoutes = (family: 4 | 6): Command => ip('-j', `-${family}`, 'route', 'show', 'default')
export const raiseLink = (link: string): Command => ip('link', 'set', 'dev', link, 'up')
export const deleteLink = (link: string): Command => ip('link', 'delete', 'dev', link)
/** Scope global: masquerading towards a guest takes its source from here, for guests' links have no IPv4 address. */
export const addGateway4 = (address: string): Command => ip('address', 'replace', `${address}/32`, 'dev', 'lo')
export const addGateway6 = (address: string, link: string): Command =>
  ip('address', 'replace', `${address}/128`, 'dev', link, 'scope', 'link', 'nodad')

export const listAllAddresses = (): Command => ip('-j', 'address', 'show')
export const listRoutesTo = (family: 4 | 6, link: string): Command =>
  ip('-j', `-${family}`, 'route', 'show', 'dev', link)
export const setMtu = (link: string, mtu: number): Command => ip('link', 'set', 'dev', link, 'mtu', String(mtu))
export const addRoute = (address: string, link: string): Command => ip('route', 'replace', single(address), 'dev', link)
export const deleteRoute = (address: string, link: string): Command =>
  ip('route', 'delete', single(address), 'dev', link)

/** Marks the entries that are ours among the neighbours that the host answers for. */
export const ownProtocol = '203'
export const listAnnounced = (): Command => ip('-j', 'neighbour', 'show', 'proxy')
export const addAnnounced = (address: string, device: string): Command =>
  ip('neighbour', 'replace', 'proxy', address, 'dev', device, 'protocol', ownProtocol)
export const deleteAnnounced = (address: string, device: string): Command =>
  ip('neighbour', 'delete', 'proxy', address, 'dev', device)

/** Lines for the host's own `ip`, in the network namespace of a process; each is tried, whatever became of the one before. */
export const insideNetworkOf = (pid: number, lines: readonly string[]): Command => ({
  file: 'nsenter',
  args: [`--net=/proc/${pid}/ns/net`, '--', 'ip', '-force', '-batch', '-'],
  stdin: `${lines.join('\n')}\n`,
  timeoutMs: 20_000,
})

/** The guest's own end is called so by its configuration. nodad: nobody else is on the link, so nobody is asked first. */
export const giveAddress = (address: string): string =>
  `address replace ${single(address)} dev eth0${isIPv6(address) ? ' nodad' : ''}`
export const takeAddress = (address: string): string => `address delete ${single(address)} dev eth0`
export const limitPackets = (mtu: number): string => `link set dev eth0 mtu ${mtu}`

const single = (address: string): string => `${address}/${isIPv6(address) ? 128 : 32}`
