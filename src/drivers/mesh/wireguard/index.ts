/** WireGuard: the kernel's, or wireguard-go's where it has none (docs/design/mesh.md). */
import { isIPv6 } from 'node:net'
import { join } from 'node:path'
import { CroftError } from '../../../api/errors.ts'
import type { Runner } from '../../exec/command.ts'
import { startDetached } from '../../exec/detached.ts'
import { checkWish } from '../check.ts'
import type { Mesh, MeshPeer, MeshWish } from '../driver.ts'
import { answersEcho } from '../echo.ts'
import { reconcileRoutes } from '../routes.ts'
import * as commands from './commands.ts'
import { replacePrivately } from './files.ts'
import { createKeys } from './keys.ts'
import { type LiveConfig, type LiveLink, parseDump, parseLink } from './parse.ts'
import { endUserspace, type Start, startUserspace } from './process.ts'

export interface WireguardOptions {
  readonly run: Runner
  /** Of keys and files; nobody else's. */
  readonly folder: string
  /** One host of a machine has it: wireguard-go's sockets lie side by side. */
  readonly link: string
  readonly port?: number
  readonly start?: Start
  readonly now?: () => number
}

/** What a packet grows by, over IPv6 too. */
const overhead = 80
const usualPort = 51_820
/** A session is made anew each two minutes; who is silent longer may have moved. */
const freshMs = 180_000

export function createWireguard(options: WireguardOptions): Mesh {
  const { run, folder, link, port = usualPort, start = startDetached, now = Date.now } = options
  if (!/^[a-z][a-z0-9]{0,14}$/.test(link) || link.startsWith('croft'))
    throw new CroftError('BAD_VALUE', `no name for the link of the mesh: ${JSON.stringify(link)}`)
  const keys = createKeys(folder)
  let told: readonly MeshPeer[] = []
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work, work)
    last = result.catch(() => {})
    return result
  }

  async function look(): Promise<LiveLink | undefined> {
    const { code, stdout, stderr } = await run.outcome(commands.showLink(link))
    if (code === 0) return parseLink(stdout)
    if (stderr.includes('does not exist')) return undefined
    throw new CroftError('COMMAND_FAILED', `cannot look at ${link}: ${stderr.trim()}`)
  }

  /** Undefined when the link cannot be asked. */
  async function ask(): Promise<LiveConfig | undefined> {
    const { code, stdout } = await run.outcome(commands.dump(link))
    return code === 0 ? parseDump(stdout) : undefined
  }

  async function ensureLink(): Promise<string[]> {
    if ((await look()) && (await ask())) return []
    // A link that cannot be asked is of no use to anybody.
    await remove()
    const added = await run.outcome(commands.addLink(link))
    if (added.code === 0) return [`${link}: made`]
    const answers = async () => (await ask()) !== undefined
    await startUserspace(start, { link, folder, answers })
    return [`${link}: made by wireguard-go`]
  }

  async function remove(): Promise<void> {
    await endUserspace(link)
    if (await look()) await run.outcome(commands.deleteLink(link))
  }

  async function ensureConfig(peers: readonly MeshPeer[]): Promise<string[]> {
    const { privateKey, publicKey } = await keys.current()
    const live = await ask()
    if (live && live.publicKey === publicKey && live.port === port && samePeers(live, peers, now())) return []
    const file = join(folder, 'config')
    await replacePrivately(file, commands.configText(privateKey, port, peers))
    await run.run(commands.syncConfig(link, file))
    return [`${link}: ${peers.length} peers`]
  }

  async function ensureAddresses({ addresses, wireMtu }: MeshWish): Promise<string[]> {
    const live = await look()
    const changes: string[] = []
    const mtu = wireMtu - overhead
    if (!live?.up || live.mtu !== mtu) {
      await run.run(commands.setLink(link, mtu))
      changes.push(`${link}: up, packets of ${mtu}`)
    }
    for (const address of live?.addresses ?? [])
      if (!addresses.includes(address)) await run.outcome(commands.deleteAddress(link, address))
    for (const address of addresses) {
      if (live?.addresses.includes(address)) continue
      await run.run(commands.addAddress(link, address))
      changes.push(`${link}: ${address}`)
    }
    return changes
  }

  async function reconcile(wish: MeshWish): Promise<string[]> {
    checkWish('wireguard', wish)
    const changes = await ensureLink()
    changes.push(...(await ensureAddresses(wish)), ...(await ensureConfig(wish.peers)))
    const routes = wish.peers.flatMap(({ networks }) => networks.map((to) => routeTo(to, wish.addresses)))
    changes.push(...(await reconcileRoutes(run, [...routes, ...wish.refused.map((to) => ({ to }))])))
    told = wish.peers
    return changes
  }

  const routeTo = (to: string, addresses: readonly string[]) => {
    const source = addresses.find((address) => isIPv6(address) === to.includes(':'))
    return { to, device: link, ...(source === undefined ? {} : { source }) }
  }

  return {
    ...{ name: 'wireguard', kind: 'wireguard', mtuOver: (wireMtu) => wireMtu - overhead },
    identity: (published) => inTurn(async () => ({ publicKey: (await keys.current(published)).publicKey, port })),
    nextKey: () => inTurn(async () => (await keys.next()).publicKey),
    reconcile: (wish) => inTurn(() => reconcile(wish)),
    answers: (address) => answersEcho(run, address),
    facts: () =>
      inTurn(async () => {
        const live = await ask()
        return told.map(({ name, publicKey }) => {
          const found = live?.peers.find((peer) => peer.publicKey === publicKey)
          const proved = found?.provedAtSeconds
          return {
            name,
            ...(found && { receivedBytes: found.receivedBytes, sentBytes: found.sentBytes }),
            ...(proved === undefined ? {} : { provedMsAgo: Math.max(0, now() - proved * 1000) }),
          }
        })
      }),
    down: () =>
      inTurn(async () => {
        await reconcileRoutes(run, [])
        await remove()
        told = []
      }),
  }
}

/** Where a peer was last heard from goes before what was written of it, as long as it is heard. */
function samePeers(live: LiveConfig, wanted: readonly MeshPeer[], now: number): boolean {
  return (
    live.peers.length === wanted.length &&
    wanted.every(({ publicKey, endpoint, networks }) => {
      const found = live.peers.find((peer) => peer.publicKey === publicKey)
      if (!found || found.networks.toSorted().join() !== networks.toSorted().join()) return false
      const heard = found.provedAtSeconds !== undefined && now - found.provedAtSeconds * 1000 < freshMs
      return found.endpoint === endpoint || heard
    })
  )
}
