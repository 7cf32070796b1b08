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
