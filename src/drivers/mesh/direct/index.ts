/** Kind `none`: routes over a wire that is trusted, on which the hosts are neighbours; nothing is sealed (docs/design/mesh.md). */
import { isIPv6 } from 'node:net'
import { z } from 'zod'
import { CroftError } from '../../../api/errors.ts'
import type { Command, Runner } from '../../exec/command.ts'
import { checkWish, endpointOf } from '../check.ts'
import type { Mesh, MeshPeer, MeshWish } from '../driver.ts'
import { answersEcho } from '../echo.ts'
import { type MeshRoute, reconcileRoutes } from '../routes.ts'

const ip = (...args: string[]): Command => ({ file: 'ip', args, timeoutMs: 20_000 })
const single = (address: string): string => `${address}/${isIPv6(address) ? 128 : 32}`
/** On the wire, by the number of the host: next hop for IPv6 where endpoints are of IPv4. */
const neighbourOf = (host: number): string => `fe80::c7:${host.toString(16)}`

const Ways = z.array(z.object({ dev: z.string(), gateway: z.string().optional() }))
const Addresses = z.array(z.object({ addr_info: z.array(z.object({ local: z.string().optional() })).default([]) }))

export function createDirect({ run }: { readonly run: Runner }): Mesh {
  let told: MeshWish | undefined
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work, work)
    last = result.catch(() => {})
    return result
  }

  /** The device of the wire; a peer behind a router would not know what to do with packets for a guest. */
  async function deviceTo({ name, endpoint }: MeshPeer): Promise<string> {
    const { address } = endpointOf(endpoint)
    const [way] = Ways.parse(JSON.parse(await run.run(ip('-j', 'route', 'get', address))))
    if (way && way.gateway === undefined) return way.dev
    throw new CroftError(
      'REFUSED',
      `${name} at ${address} is on no wire of this host: without WireGuard hosts are neighbours`,
      {
        hint: 'croft farm set mesh=wireguard',
      },
    )
  }

  async function give(device: string, addresses: readonly string[]): Promise<string[]> {
    const found = Addresses.parse(JSON.parse(await run.run(ip('-j', 'address', 'show', 'dev', device))))
    const have = found.flatMap(({ addr_info }) => addr_info.flatMap(({ local }) => local ?? []))
    const missing = addresses.filter((address) => !have.includes(address))
    for (const address of missing) {
      const scope = address.startsWith('fe80:') ? ['scope', 'link'] : []
      const rest = isIPv6(address) ? [...scope, 'nodad'] : []
      await run.run(ip('address', 'replace', single(address), 'dev', device, ...rest))
    }
    return missing.map((address) => `${device}: ${address}`)
  }

  async function reconcile(wish: MeshWish): Promise<string[]> {
    checkWish('none', wish)
    const changes = await give('lo', wish.addresses)
    const routes: MeshRoute[] = []
    for (const peer of wish.peers) {
      const device = await deviceTo(peer)
      changes.push(...(await give(device, [neighbourOf(wish.number)])))
      routes.push(...peer.networks.map((to) => routeTo(to, { wish, peer, device })))
    }
    changes.push(...(await reconcileRoutes(run, [...routes, ...wish.refused.map((to) => ({ to }))])))
    told = wish
    return changes
  }

  return {
    ...{ name: 'direct', kind: 'none', mtuOver: (wireMtu) => wireMtu },
    identity: async () => ({ publicKey: '', port: 1 }),
    nextKey: async () => '',
    reconcile: (wish) => inTurn(() => reconcile(wish)),
    answers: (address) => answersEcho(run, address),
    facts: async () => (told?.peers ?? []).map(({ name }) => ({ name })),
    down: () =>
      inTurn(async () => {
        await reconcileRoutes(run, [])
        for (const address of told?.addresses ?? [])
          await run.outcome(ip('address', 'delete', single(address), 'dev', 'lo'))
        told = undefined
      }),
  }
}

interface Way {
  readonly wish: MeshWish
  readonly peer: MeshPeer
  readonly device: string
}

function routeTo(to: string, { wish, peer, device }: Way): MeshRoute {
  const { address } = endpointOf(peer.endpoint)
  const via = to.includes(':') && !isIPv6(address) ? neighbourOf(peer.number) : address
  const source = wish.addresses.find((own) => isIPv6(own) === to.includes(':'))
  return { to, device, via, ...(source === undefined ? {} : { source }) }
}
