/** A network in memory. */
import { CroftError } from '../../../api/errors.ts'
import { checkAddress } from '../check.ts'
import type { GuestEnd, HostNetwork, Link, Network, Surroundings } from '../driver.ts'

export interface FakeNetwork extends Network {
  /** As a runtime does at a guest's start. */
  addLink(name: string): void
  announced(): readonly string[]
  /** From now on the host is so. */
  become(host: Partial<HostNetwork & Surroundings>): void
  endOf(name: string): GuestEnd | undefined
  /** What `tune` set. */
  reachableFromLoopback(name: string): boolean | undefined
}

const plainHost: HostNetwork & Partial<Surroundings> = { uplink: 'eth0', mtu: 1500, addresses: ['192.0.2.1'] }

export function createFakeNetwork(first: typeof plainHost = plainHost): FakeNetwork {
  let host = first
  const links = new Map<string, { readonly number: number; reachable?: boolean }>()
  const ends = new Map<string, GuestEnd>()
  let announced: readonly string[] = []
  let prepared = false
  return {
    name: 'fake',
    async prepare() {
      const changes = prepared ? [] : ['lo: 169.254.0.1/32 added']
      prepared = true
      return changes
    },
    uplink: async () => host,
    become(change) {
      host = { ...host, ...change }
    },
    listens: async () => false,
    links: async () => [...links].map(([name, { number }]): Link => ({ name, number, up: true })),
    async tune(name, { reachableFromLoopback }) {
      const link = links.get(name)
      links.set(name, { number: link?.number ?? numberOf(name), reachable: reachableFromLoopback })
      if (!link) links.delete(name)
    },
    isReachableFromLoopback: async (name) => {
      const link = links.get(name)
      return link && (link.reachable ?? false)
    },
    async equip(name, end) {
      numberOf(name)
      for (const address of end.more) checkAddress(address)
      if (links.has(name)) ends.set(name, end)
    },
    async announce(addresses) {
      for (const address of addresses) checkAddress(address)
      announced = [...addresses]
    },
    claims: async (address) => (host.addresses.includes(address) ? 'an address of this host' : undefined),
    surroundings: async () => ({
      links: host.links ?? host.addresses.map((address) => `${address}/${address.includes(':') ? 128 : 32}`),
      needs: host.needs ?? [],
    }),
    async removeLink(name) {
      numberOf(name)
      links.delete(name)
      ends.delete(name)
    },
    announced: () => announced,
    endOf: (name) => ends.get(name),
    addLink: (name) => void links.set(name, { number: numberOf(name) }),
    reachableFromLoopback: (name) => links.get(name)?.reachable,
  }
}

function numberOf(link: string): number {
  const match = /^croft([0-9]{1,5})$/.exec(link)
  if (!match) throw new CroftError('BAD_VALUE', `"${link.slice(0, 40)}" is no link of a guest`)
  return Number(match[1])
}
