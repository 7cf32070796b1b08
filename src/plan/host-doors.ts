/**
 * The doors that hosts of a farm keep for each other: daemon, store, mesh. Guests go out with their host's address, so at another
 * host's doors they would stand as that host; no guest gets there. Pure.
 */
import { parseListen } from '../api/values.ts'
import type { HostDoor } from '../drivers/firewall/driver.ts'

interface Host {
  readonly name: string
  /** `IP:PORT` of its daemon. */
  readonly address?: string
  /** `IP:PORT` of its mesh. */
  readonly mesh?: { readonly endpoint: string }
}

/** Where a member of the store listens, on the address that its host tells others. */
export const storePorts = { client: 2379, peer: 2380 } as const

/** Of all hosts but this one, whose own doors its guests do not reach anyway. In one order, so that they can be compared. */
export function doorsOfOthers(hosts: readonly Host[], own: string): HostDoor[] {
  const found = new Map<string, Set<number>>()
  const add = (address: string, ...ports: number[]) => {
    const known = found.get(address) ?? new Set()
    for (const port of ports) known.add(port)
    found.set(address, known)
  }
  for (const { name, address, mesh } of hosts) {
    if (name === own) continue
    const door = parseListen(address ?? '')
    if (door?.host !== undefined) add(door.host, door.port, storePorts.client, storePorts.peer)
    const way = parseListen(mesh?.endpoint ?? '')
    if (way?.host !== undefined) add(way.host, way.port)
  }
  return [...found]
    .map(([address, ports]) => ({ address, ports: [...ports].sort((a, b) => a - b) }))
    .sort((a, b) => (a.address < b.address ? -1 : 1))
}
