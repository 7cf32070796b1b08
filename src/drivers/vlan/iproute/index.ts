/** VLAN networks by the kernel's own means: a tagged link, a routing table, rules by source, proxy neighbours (docs/design/vlan.md). */
import { readFile, writeFile } from 'node:fs/promises'
import { isIPv6 } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { CroftError } from '../../../api/errors.ts'
import type { Command, Runner } from '../../exec/command.ts'
import { checkVlans, deviceOf, single } from '../check.ts'
import type { Vlans, VlansWish, VlanWish } from '../driver.ts'
import * as commands from './commands.ts'
import {
  type FoundLink,
  isUnknownKind,
  parseAnswer,
  parseLinks,
  parseProxies,
  parseRoutes,
  parseRules,
} from './parse.ts'
import { linesOf, nftText, proxiesOf } from './wanted.ts'

export interface IprouteOptions {
  readonly run: Runner
  readonly kind?: commands.LinkKind
  /** Where the kernel's settings are. */
  readonly settings?: string
}

/** Three questions, and nobody waits a whole second for each. */
const askEveryMs = 300
const patienceMs = 3000

export function createIproute({ run, kind = 'vlan', settings = '/proc/sys' }: IprouteOptions): Vlans {
  let written: string | undefined
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work, work)
    last = result.catch(() => {})
    return result
  }

  const list = async (): Promise<FoundLink[]> => parseLinks(await whole(run, commands.listLinks()))

  async function bringDevice(network: VlanWish, links: readonly FoundLink[]): Promise<string[]> {
    const device = deviceOf(network)
    const uplink = links.find((link) => link.device === network.uplink)
    if (!uplink)
      throw new CroftError(
        'REFUSED',
        `this host has no device ${network.uplink}, which network ${network.name} is on`,
        {
          hint: `ip link; croft network set ${network.name} uplink=DEVICE`,
        },
      )
    const found = links.find((link) => link.device === device)
    if (found && found.alias !== commands.ownAlias)
      throw new CroftError('REFUSED', `${device} is there already, and not croft's`, { hint: `ip link show ${device}` })
    if (!found) await makeDevice(network, device)
    const mtu = network.mtu ?? uplink.mtu
    if (found?.mtu !== mtu) await sized(network, device, mtu)
    if (!found?.up) await run.run(commands.raiseLink(device))
    return found?.up && found.mtu === mtu ? [] : [`${device}: up`]
  }

  /** Marked at once: one that was made and not marked is nobody's. */
  async function makeDevice(network: VlanWish, device: string): Promise<void> {
    const made = await run.outcome(commands.addLink(network, device, kind))
    if (made.code !== 0)
      throw new CroftError('FAILED', `${device} cannot be made: ${made.stderr.trim()}`, { hint: 'modprobe 8021q' })
    await run.run(commands.markLink(device))
    for (const [path, value] of [
      [`ipv6/conf/${device}/accept_ra`, '0'],
      [`ipv6/conf/${device}/forwarding`, '1'],
      [`ipv6/conf/${device}/proxy_ndp`, '1'],
      [`ipv4/conf/${device}/send_redirects`, '0'],
      ...['ipv4', 'ipv6'].flatMap((family) => [
        [`${family}/neigh/${device}/proxy_delay`, '0'],
        [`${family}/neigh/${device}/retrans_time_ms`, String(askEveryMs)],
      ]),
    ] as const)
      await set(join(settings, 'net', String(path)), String(value))
  }

  async function sized({ name, uplink }: VlanWish, device: string, mtu: number): Promise<void> {
    const done = await run.outcome(commands.setMtu(device, mtu))
    if (done.code === 0) return
    throw new CroftError('REFUSED', `${device} cannot carry packets of ${mtu}: ${done.stderr.trim()}`, {
      hint: `ip link show ${uplink}; croft network set ${name} mtu=1500`,
    })
  }

  async function reconcile(wish: VlansWish): Promise<string[]> {
    checkVlans(wish)
    const links = await list()
    const changes: string[] = []
    for (const network of wish.networks) changes.push(...(await bringDevice(network, links)))
    for (const lines of linesOf(wish)) changes.push(...(await bringLines(run, lines)))
    changes.push(...(await bringTables(wish)))
    changes.push(...(await bringProxies(wish)))
    const devices = new Set(wish.networks.map(deviceOf))
    for (const { device, alias } of links)
      if (alias === commands.ownAlias && !devices.has(device)) {
        await run.outcome(commands.deleteLink(device))
        changes.push(`${device}: taken down`)
      }
    return changes
  }

  async function bringTables(wish: VlansWish): Promise<string[]> {
    const there = commands.hasTables(await run.run(commands.listTables()))
    if (wish.networks.length === 0) {
      if (there) await run.run(commands.dropTables())
      written = undefined
      return there ? ['its translation: taken down'] : []
    }
    const text = nftText(wish)
    if (there && text === written) return []
    await run.run(commands.writeTables(text))
    written = text
    return ['its translation: written']
  }

  /** What the host begins to answer for is told to the neighbours: they may have known it elsewhere. */
  async function bringProxies(wish: VlansWish): Promise<string[]> {
    const wanted = proxiesOf(wish)
    const found = parseProxies(await whole(run, commands.listProxies()))
    const gone = found.filter((line) => !wanted.includes(line))
    const fresh = wanted.filter((line) => !found.includes(line))
    for (const line of gone) await run.outcome(commands.deleteProxy(line))
    for (const line of fresh) {
      await run.run(commands.addProxy(line))
      const [address = '', , device = ''] = line.split(' ')
      if (isIPv6(address)) continue
      await run.outcome(commands.forgetAnswer(address, device))
      await run.outcome(commands.askFor(address, device))
    }
    return [...gone.map((line) => `${line}: no longer answered for`), ...fresh.map((line) => `${line}: answered for`)]
  }

  async function answers(network: Pick<VlanWish, 'uplink' | 'vlan'>, address: string): Promise<boolean> {
    const device = deviceOf(network)
    const asNobody = commands.askAsNobody('add', single(address), device)
    if (asNobody) await run.run(asNobody)
    try {
      await run.outcome(commands.forgetAnswer(address, device))
      await run.run(commands.askFor(address, device))
      for (const end = performance.now() + patienceMs; performance.now() < end; await pause(askEveryMs / 3)) {
        const answer = parseAnswer(await run.run(commands.answerOf(address, device)))
        if (answer !== undefined) return answer
      }
      return false
    } finally {
      await run.outcome(commands.forgetAnswer(address, device))
      const done = commands.askAsNobody('delete', address, device)
      if (done) await run.outcome(done)
    }
  }

  return {
    name: 'iproute',
    reconcile: (wish) => inTurn(() => reconcile(wish)),
    answers: (network, address) => inTurn(() => answers(network, address)),
    async obstacle() {
      const { code, stderr } = await run.outcome(commands.askForKind(kind))
      if (code === 0) await run.outcome(commands.deleteLink('croftnone'))
      return isUnknownKind(stderr) ? 'its kernel has no 802.1q' : undefined
    },
    facts: async () =>
      (await list())
        .filter(({ alias }) => alias === commands.ownAlias)
        .map(({ device, up, mtu }) => ({ device, up, mtu })),
  }
}

/** New ones before old ones go. */
async function bringLines(run: Runner, { family, rules, routes }: ReturnType<typeof linesOf>[number]) {
  const [haveRules, haveRoutes] = [
    parseRules(await whole(run, commands.listRules(family))),
    parseRoutes(await whole(run, commands.listRoutes(family))),
  ]
  const without = (list: readonly string[], other: readonly string[]) => list.filter((each) => !other.includes(each))
  const lines = [
    ...without(routes, haveRoutes).map(commands.addRoute),
    ...without(rules, haveRules).map(commands.addRule),
    ...without(haveRules, rules).map(commands.deleteRule),
  ]
  // A default that was replaced is gone already.
  const old = without(haveRoutes, routes).map(commands.deleteRoute)
  if (lines.length > 0) await run.run(commands.batch(family, lines))
  for (const line of old) await run.outcome(commands.batch(family, [line]))
  return [...lines, ...old]
}

/** A family that the kernel does not have is passed over. */
async function set(path: string, value: string): Promise<void> {
  const found = await readFile(path, 'utf8').catch(() => undefined)
  if (found !== undefined && found.trim() !== value) await writeFile(path, value)
}

/** All that a command prints: what the runner keeps for itself is cut. */
async function whole(run: Runner, command: Command): Promise<string> {
  const lines: string[] = []
  const kept = await run.run(command, { onLine: (line) => lines.push(line) })
  return lines.length === 0 ? kept : lines.join('\n')
}
