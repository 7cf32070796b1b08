import { isIPv6 } from 'node:net'
import type { Command } from '../../exec/command.ts'
import type { VlanWish } from '../driver.ts'
import { type Family, ownProtocol, tableName } from './wanted.ts'

const ip = (...args: string[]): Command => ({ file: 'ip', args, timeoutMs: 20_000 })
const nft = (stdin: string): Command => ({ file: 'nft', args: ['-f', '-'], stdin, timeoutMs: 20_000 })

/** What a device of ours is told by. */
export const ownAlias = 'croft VLAN network'

/** `macvlan` stands in where the kernel knows no tags: all but the tag is the same. */
export type LinkKind = 'vlan' | 'macvlan'
const kinds: Readonly<Record<LinkKind, (vlan: number) => string[]>> = {
  vlan: (vlan) => ['type', 'vlan', 'id', String(vlan)],
  macvlan: () => ['type', 'macvlan', 'mode', 'private'],
}

export const listLinks = (): Command => ip('-j', 'link', 'show')
export const addLink = ({ uplink, vlan }: VlanWish, device: string, kind: LinkKind): Command =>
  ip('link', 'add', 'link', uplink, 'name', device, ...kinds[kind](vlan))
/** On `lo` none can be: it is refused by who knows the kind, and who does not says so. */
export const askForKind = (kind: LinkKind): Command =>
  ip('link', 'add', 'link', 'lo', 'name', 'croftnone', ...kinds[kind](1))
export const markLink = (device: string): Command => ip('link', 'set', 'dev', device, 'alias', ownAlias)
export const setMtu = (device: string, mtu: number): Command => ip('link', 'set', 'dev', device, 'mtu', String(mtu))
export const raiseLink = (device: string): Command => ip('link', 'set', 'dev', device, 'up')
export const deleteLink = (device: string): Command => ip('link', 'delete', 'dev', device)

export const listRules = (family: Family): Command => ip('-j', `-${family}`, 'rule', 'show')
export const listRoutes = (family: Family): Command =>
  ip('-j', `-${family}`, 'route', 'show', 'table', 'all', 'protocol', ownProtocol)
export const batch = (family: Family, lines: readonly string[]): Command => ({
  ...ip(`-${family}`, '-batch', '-'),
  stdin: `${lines.join('\n')}\n`,
})
export const addRule = (rule: string): string => `rule add ${rule} protocol ${ownProtocol}`
export const deleteRule = (rule: string): string => `rule delete ${rule} protocol ${ownProtocol}`
/** The gateway is on the link, whatever other routes say. */
export const addRoute = (route: string): string =>
  `route replace ${route} protocol ${ownProtocol}${route.includes(' via ') ? ' onlink' : ''}`
export const deleteRoute = (route: string): string => `route delete ${route} protocol ${ownProtocol}`

export const listProxies = (): Command => ip('-j', 'neighbour', 'show', 'proxy')
const words = (line: string): string[] => line.split(' ')
export const addProxy = (line: string): Command =>
  ip('neighbour', 'replace', 'proxy', ...words(line), 'protocol', ownProtocol)
export const deleteProxy = (line: string): Command => ip('neighbour', 'delete', 'proxy', ...words(line))

/** Has the kernel ask on the wire who has it, without a packet to send there. */
export const askFor = (address: string, device: string): Command =>
  ip('neighbour', 'replace', address, 'dev', device, 'use')
export const answerOf = (address: string, device: string): Command =>
  ip('-j', 'neighbour', 'show', 'to', address, 'dev', device)
export const forgetAnswer = (address: string, device: string): Command =>
  ip('neighbour', 'delete', address, 'dev', device)

export const writeTables = (text: string): Command => nft(text)
export const listTables = (): Command => ({ file: 'nft', args: ['list', 'tables'], timeoutMs: 20_000 })
export const hasTables = (text: string): boolean =>
  ['arp', 'inet'].every((family) => text.split('\n').includes(`table ${family} ${tableName}`))
export const dropTables = (): Command =>
  nft(
    ['arp', 'inet']
      .flatMap((family) => [`add table ${family} ${tableName}`, `delete table ${family} ${tableName}`, ''])
      .join('\n'),
  )

/** As nobody: who has the address already is not told that it is ours. IPv6 asks so by itself. */
export const askAsNobody = (way: 'add' | 'delete', address: string, device: string): Command | undefined =>
  isIPv6(address)
    ? undefined
    : nft(`${way} element arp ${tableName} say { "${device}" . ${address}${way === 'add' ? ' : 0.0.0.0' : ''} }\n`)
