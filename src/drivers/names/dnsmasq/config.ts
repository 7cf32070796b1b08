/** What dnsmasq reads, and the command that runs it. Pure; the zone was checked by `checkZone`. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { closedNamesPort, gateway4, namesPort } from '../../../plan/addresses.ts'
import type { Command } from '../../exec/command.ts'
import type { View, Zone } from '../driver.ts'

export interface Layout {
  /** Of all that the servers read; the one user that they run as passes through it. */
  readonly folder: string
  /** dnsmasq follows what lies in it by itself. */
  readonly hosts: string
  readonly zone: string
  readonly config: (view: View) => string
  readonly pidFile: (view: View) => string
}

export const layoutOf = (folder: string): Layout => ({
  folder,
  hosts: join(folder, 'hosts'),
  zone: join(folder, 'hosts', 'zone'),
  config: (view) => join(folder, `${view}.conf`),
  pidFile: (view) => join(folder, `${view}.pid`),
})

export const portOf = (view: View): number => (view === 'open' ? namesPort : closedNamesPort)

/** Goes to the back when it serves. A unit of systemd adds `--keep-in-foreground`. */
export const serve = (config: string): Command => ({
  file: 'dnsmasq',
  args: [`--conf-file=${config}`],
  timeoutMs: 20_000,
})

/** For a systemd that knows script/croft-names@.service. */
export const unitCommand = (verb: 'start' | 'stop', view: View): Command => ({
  file: 'systemctl',
  args: [verb, `croft-names@${view}.service`],
  timeoutMs: 30_000,
})

export interface Marked {
  readonly text: string
  /** A name that exists only where this very text is in force. */
  readonly mark: string
}

/** Of no network that anybody has, RFC 5737: the address of the marks. */
const nowhere = '192.0.2.53'

export function hostsFile({ farm, names }: Zone): Marked {
  const lines = names.flatMap(({ name, addresses }) =>
    addresses.map((address) => `${address} ${name}.${farm}.internal`),
  )
  const mark = markOf(lines, 'zone', farm)
  return { mark, text: `${['# written by croft', ...lines, `${nowhere} ${mark}`].join('\n')}\n` }
}

/** `upstream` is a resolv.conf; the server skips its own address there. */
export function serverConfig(
  view: View,
  zone: Zone,
  { layout, upstream }: { layout: Layout; upstream: string },
): Marked {
  const lines = [
    `pid-file=${layout.pidFile(view)}`,
    'user=dnsmasq',
    `listen-address=${gateway4}`,
    'bind-interfaces',
    `port=${portOf(view)}`,
    'no-hosts',
    `hostsdir=${layout.hosts}`,
    ...['internal', ...reverseZones(zone)].map((domain) => `local=/${domain}/`),
    'domain-needed',
    'cache-size=2000',
    // Questions under way: many guests that wait for a slow server leave room for others.
    'dns-forward-max=1000',
    view === 'open' ? `resolv-file=${upstream}` : 'no-resolv',
  ]
  const mark = markOf(lines, 'config', zone.farm)
  return { mark, text: `${['# written by croft', ...lines, `host-record=${mark},${nowhere}`].join('\n')}\n` }
}

/** Two labels before the farm's: no guest can bear it. */
const markOf = (lines: readonly string[], kind: string, farm: string): string =>
  `${createHash('sha256').update(lines.join('\n')).digest('hex').slice(0, 32)}.${kind}.${farm}.internal`

/** Of the guests' own networks, and of the gateway's: nobody outside knows anything about them. */
function reverseZones({ prefix4, prefix6 }: Zone): string[] {
  const [a, b] = prefix4.split('.')
  const groups = prefix6.replace(/::\/64$/, '').split(':')
  const nibbles = groups.map((group) => group.padStart(4, '0')).join('')
  return [`${b}.${a}.in-addr.arpa`, `${[...nibbles].reverse().join('.')}.ip6.arpa`, '254.169.in-addr.arpa']
}
