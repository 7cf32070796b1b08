/** Guests on routed veth links: no bridge, one /32 and /128 each, one gateway address on the host (docs/design/network.md). */
import { getServers } from 'node:dns'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { CroftError } from '../../../api/errors.ts'
import type { Runner } from '../../exec/command.ts'
import { checkAddress } from '../check.ts'
import type { HostNetwork, Link, Network } from '../driver.ts'
import { createAnnouncer } from './announce.ts'
import * as commands from './commands.ts'
import { equip } from './guest-end.ts'
import {
  type FoundLink,
  parseAddresses,
  parseDefaultDevices,
  parseGateways,
  parseLinks,
  parseListening,
  parseNetworks,
  parseUplink,
} from './parse.ts'
import { whole } from './read.ts'
import { ensureAtLeast, ensureSetting, readSetting } from './settings.ts'

export interface RoutedOptions {
  readonly run: Runner
  readonly gateway4?: string
  readonly gateway6?: string
  /** Where the kernel's settings are. */
  readonly settings?: string
}

/** One entry per guest's link, with room: the table is one for all links. */
const neighbourLimits = { gc_thresh3: 16_384, gc_thresh2: 8_192 }
const plainMtu = 1500
/** The way out changes seldom, and is asked for at every change of the firewall. */
const uplinkKnownMs = 10_000

export function createRouted(options: RoutedOptions): Network {
  const { run, gateway4 = '169.254.0.1', gateway6 = 'fe80::1', settings = '/proc/sys' } = options
  const set = (path: string, value: string) => ensureSetting(settings, path, value)

  let known: { readonly at: number; readonly found: HostNetwork } | undefined

  /** In our own network namespace, as /proc is; /sys may be another's. */
  const isThere = async (link: string) =>
    (await readSetting(settings, `net/ipv4/conf/${link}/forwarding`)) !== undefined

  async function look(): Promise<HostNetwork> {
    const found = await findUplink(run)
    known = { at: performance.now(), found }
    return found
  }

  async function prepare(): Promise<readonly string[]> {
    const links = await listLinks(run)
    const changes = [await raiseLoopback(run, links), await addGateway(run, gateway4)]
    changes.push(await set('net/ipv4/ip_forward', '1'))
    changes.push(...(await keepRouterAdverts(settings, links)))
    changes.push(await set('net/ipv6/conf/all/forwarding', '1'))
    for (const [name, value] of Object.entries(neighbourLimits)) {
      for (const family of ['ipv4', 'ipv6']) {
        changes.push(await ensureAtLeast(settings, `net/${family}/neigh/default/${name}`, value))
      }
    }
    for (const { name } of links.filter(({ name }) => numberOf(name) !== undefined)) {
      changes.push(await set(`net/ipv6/conf/${name}/accept_ra`, '0'))
    }
    await look()
    return changes.flat()
  }

  async function tune(link: string, { reachableFromLoopback }: { reachableFromLoopback: boolean }): Promise<void> {
    checkOurs(link)
    if (!(await isThere(link))) throw new CroftError('COMMAND_FAILED', `there is no link ${link}`)
    await set(`net/ipv4/conf/${link}/route_localnet`, reachableFromLoopback ? '1' : '0')
    // The host answers for its gateway address itself; for others it need not speak.
    await set(`net/ipv4/conf/${link}/proxy_arp`, '0')
    await set(`net/ipv6/conf/${link}/proxy_ndp`, '0')
    await set(`net/ipv6/conf/${link}/accept_ra`, '0')
    await set(`net/ipv6/conf/${link}/forwarding`, '1')
    if ((await readSetting(settings, `net/ipv6/conf/${link}/disable_ipv6`)) !== '0') return
    const added = await run.outcome(commands.addGateway6(gateway6, link))
    if (added.code === 0 || added.stderr.includes('File exists')) return
    throw new CroftError('COMMAND_FAILED', `cannot give ${gateway6} to ${link}: ${added.stderr.trim()}`)
  }

  return {
    name: 'routed',
    prepare,
    tune,
    async uplink() {
      if (!known) return look()
      // An old answer now, a new one for the next.
      if (performance.now() - known.at > uplinkKnownMs) look().catch(() => undefined)
      return known.found
    },
    async isReachableFromLoopback(link) {
      checkOurs(link)
      const value = await readSetting(settings, `net/ipv4/conf/${link}/route_localnet`)
      return value === undefined ? undefined : value === '1'
    },
    async listens(protocol, port) {
      const tables = [protocol, `${protocol}6`].map((name) =>
        readFile(`/proc/self/net/${name}`, 'utf8').catch(() => ''),
      )
      return (await Promise.all(tables)).some((table) => parseListening(table, protocol).has(port))
    },
    links: async () => (await listLinks(run)).flatMap(ownLink),
    async equip(link, end) {
      checkOurs(link)
      for (const address of [end.ipv4, end.ipv6, ...end.more]) checkAddress(address)
      await equip(run, link, end)
    },
    announce: createAnnouncer(run, set, async () => (known?.found ?? (await look())).uplink),
    async claims(address) {
      const [addresses, gateways] = await lookAround(run)
      if (parseAddresses(addresses).includes(address)) return 'an address of this host'
      return gateways.includes(address) ? 'the way out of this host' : undefined
    },
    async surroundings() {
      const [addresses, gateways] = await lookAround(run)
      const servers = getServers().filter((each) => isIP(each) !== 0)
      return { links: parseNetworks(addresses), needs: [...gateways, ...servers] }
    },
    async removeLink(name) {
      checkOurs(name)
      if (!(await isThere(name))) return
      const result = await run.outcome(commands.deleteLink(name))
      if (result.code === 0) return
      const left = await listLinks(run)
      if (!left.some((link) => link.name === name)) return
      throw new CroftError('COMMAND_FAILED', `cannot delete link ${name}: ${result.stderr.trim()}`)
    },
  }
}

/** All addresses, as they are listed; and who leads out. */
async function lookAround(run: Runner): Promise<[addresses: string, gateways: string[]]> {
  const [addresses, ...routes] = await Promise.all([
    whole(run, commands.listAllAddresses()),
    ...([4, 6] as const).map((family) => whole(run, commands.listDefaultRoutes(family))),
  ])
  return [addresses, routes.flatMap(parseGateways)]
}

async function raiseLoopback(run: Runner, links: readonly FoundLink[]): Promise<string[]> {
  if (links.some(({ name, up }) => name === 'lo' && up)) return []
  await run.run(commands.raiseLink('lo'))
  return ['lo: up']
}

async function addGateway(run: Runner, address: string): Promise<string[]> {
  if (parseAddresses(await whole(run, commands.listAddresses('lo'))).includes(address)) return []
  await run.run(commands.addGateway4(address))
  return [`lo: ${address}/32 added`]
}

/** A host that begins to forward turns deaf to router advertisements, and loses its own way out, unless a link says 2. */
async function keepRouterAdverts(settings: string, links: readonly FoundLink[]): Promise<string[][]> {
  if ((await readSetting(settings, 'net/ipv6/conf/all/forwarding')) !== '0') return []
  const others = links.filter(({ name }) => name !== 'lo' && numberOf(name) === undefined)
  return Promise.all(
    others.map(async ({ name }) => {
      const path = `net/ipv6/conf/${name}/accept_ra`
      return (await readSetting(settings, path)) === '1' ? ensureSetting(settings, path, '2') : []
    }),
  )
}

async function findUplink(run: Runner): Promise<HostNetwork> {
  const routes4 = parseDefaultDevices(await whole(run, commands.listDefaultRoutes(4)))
  const routes = routes4.length > 0 ? routes4 : parseDefaultDevices(await whole(run, commands.listDefaultRoutes(6)))
  const uplink = routes.find((device) => numberOf(device) === undefined) ?? null
  if (uplink === null) return { uplink, mtu: plainMtu, addresses: [] }
  const link = parseUplink(await whole(run, commands.listAddresses(uplink)))
  return { uplink, mtu: link?.mtu ?? plainMtu, addresses: link?.addresses ?? [] }
}

const listLinks = async (run: Runner): Promise<FoundLink[]> => parseLinks(await whole(run, commands.listLinks()))

function ownLink({ name, up }: FoundLink): Link[] {
  const number = numberOf(name)
  return number === undefined ? [] : [{ name, number, up }]
}

function checkOurs(link: string): void {
  if (numberOf(link) === undefined) throw new CroftError('BAD_VALUE', `"${link.slice(0, 40)}" is no link of a guest`)
}

function numberOf(link: string): number | undefined {
  const match = /^croft([0-9]{1,5})$/.exec(link)
  return match ? Number(match[1]) : undefined
}
