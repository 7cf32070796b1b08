/** From a guest's record to what the runtime needs: pure. */
import type { Definition } from '../../drivers/runtime/driver.ts'
import { keysFile, ownMark } from '../../drivers/runtime/first-files.ts'
import { gateway4, ipv4Of, ipv6Of, linkOf, macOf, uidOf } from '../../plan/addresses.ts'
import { hostNameOf, nameInFarm } from '../../plan/names.ts'
import type { FarmRecord, GuestRecord } from '../records/records.ts'

export interface HostFacts {
  readonly uidBase: number
  /** Of the uplink as it is now. */
  readonly mtu: number
}

/** Where a guest's root lies; `device` only for a guest whose disk has a rate. */
export interface RootPlace {
  readonly path: string
  readonly device?: string | undefined
  /** Of a volume, by its id. */
  readonly volume?: (id: string) => string
}

export function definitionOf(guest: GuestRecord, farm: FarmRecord, host: HostFacts, root: RootPlace): Definition {
  const ipv4 = ipv4Of(farm.prefix4, guest.number)
  const ipv6 = ipv6Of(farm.prefix6, guest.number)
  return {
    number: guest.number,
    id: guest.id,
    hostName: hostNameOf(guest.name),
    rootPath: root.path,
    ...(root.device === undefined ? {} : { disk: root.device }),
    uidBase: uidOf(host.uidBase, guest.slot),
    limits: guest.spec.limits,
    ...(guest.spec.init?.kind === 'command' ? { command: guest.spec.init } : {}),
    ...(guest.spec.nesting ? { nesting: true } : {}),
    ...(guest.spec.mounts?.length ? { mounts: guest.spec.mounts } : {}),
    ...(guest.spec.volumes?.length && root.volume ? { volumes: guest.spec.volumes.map(placed(root.volume)) } : {}),
    link: {
      ...{ name: linkOf(guest.number), ipv4, ipv6, mac: macOf(guest.number) },
      mtu: guest.spec.limits.mtu ?? host.mtu,
      more: (guest.spec.addresses ?? []).map(({ address }) => address),
    },
    files: {
      hosts: hostsFile(guest.name, farm.name, [ipv4, ipv6]),
      resolv: resolvFile(farm.name),
      keys: keysFile([...farm.keys, ...guest.spec.keys]),
    },
  }
}

const placed =
  (pathOf: (id: string) => string) =>
  ({ id, target }: { readonly id: string; readonly target: string }) => ({ source: pathOf(id), target })

function hostsFile(name: string, farm: string, addresses: readonly string[]): string {
  const own = addresses.map((address) => `${address} ${nameInFarm(name)}.${farm}.internal ${hostNameOf(name)}`)
  return [ownMark, '127.0.0.1 localhost', '::1 localhost ip6-localhost ip6-loopback', ...own, ''].join('\n')
}

/** One server and no other beside it: some resolvers ask all at once, and another's "no such name" would be believed. */
function resolvFile(farm: string): string {
  return [ownMark, `nameserver ${gateway4}`, `search ${farm}.internal`, ''].join('\n')
}
