/** VLAN networks of this host, as its loop sees them. While no guest here has an address of one nothing of it is loaded, and nothing runs. */
import type { GuestSpec } from '../../api/guest.ts'
import { isUplink } from '../../api/network.ts'
import type { Finding } from '../../api/resources.ts'
import type { Vlans } from '../../drivers/vlan/driver.ts'
import type { HostParts } from '../host/parts.ts'
import { networksOf, readNetworks } from '../records/networks.ts'
import type { GuestRecord } from '../records/records.ts'
import type { VlanKeeper } from './keeper.ts'

export interface HostVlans {
  /**
   * The kernel holds what these guests need, who have a link or are about to. Trouble is told of, and fails nothing else.
   * Here and below: undefined when there is nothing to do.
   */
  bring(guests: readonly GuestRecord[]): Promise<void> | undefined
  /** These run already: nobody need be asked whether their addresses are free. */
  trust(numbers: readonly number[]): void
  /** Before a guest starts: its networks are here, and nobody on them has its addresses. REFUSED when somebody answers. */
  ready(number: number): Promise<void> | undefined
  /** It runs: from now on the host answers for it. `asked`: by `ready`, a moment ago. */
  settle(number: number, asked: boolean): Promise<void> | undefined
  /** What this host does not have and the guest would want. */
  lacks(guest: VlanGuestSpec): Promise<VlanLack | undefined>
  /** For whoever places guests. `toBe`: a network is about to be made. */
  sight(toBe?: boolean): Promise<VlanSight>
  /** Addresses that are the host's own, or somebody else's on that network: nothing leads there. */
  refused(): ReadonlySet<string>
  /** With evidence; nothing where there are none. */
  check(): Promise<readonly Finding[]>
}

export interface VlanLack {
  readonly network: string
  readonly uplink: string
  /** That uplink, or the tagged link on it. */
  readonly device: string
  /** Why it cannot be made. */
  readonly why?: string
}

export interface VlanSight {
  /** Devices that a network could be on. */
  readonly uplinks: readonly string[]
  /** Why none can be here all the same. Asked once the farm has networks. */
  readonly untagged?: string
}

export interface VlanGuestSpec {
  readonly spec: Pick<GuestSpec, 'addresses'>
}

export interface VlanPlace {
  driver(): Promise<Vlans>
  /** Networks were made here in an earlier life, or now. */
  readonly left: () => boolean
  readonly mark: () => Promise<void>
  readonly unmark: () => Promise<void>
  devices(): Promise<readonly string[]>
}

export type VlanParts = Pick<HostParts, 'store' | 'log' | 'host' | 'farm' | 'network'>

export const hasNetwork = ({ spec }: VlanGuestSpec): boolean =>
  (spec.addresses ?? []).some(({ network }) => network !== undefined)

/** More is no server’s. */
const mostUplinks = 64

export function createHostVlans(parts: VlanParts, place: VlanPlace): HostVlans {
  const running = new Set<number>()
  let keeper: VlanKeeper | undefined
  let loading: Promise<VlanKeeper> | undefined
  const begun = (): Promise<VlanKeeper> => {
    loading ??= import('./keeper.ts').then(({ createVlanKeeper }) => {
      keeper = createVlanKeeper(parts, place, running)
      return keeper
    })
    return loading
  }
  let isAble = false
  /** A module of the kernel can be loaded while this daemon lives. */
  async function obstacle(): Promise<string | undefined> {
    if (isAble) return undefined
    const why = await (await place.driver()).obstacle()
    isAble = why === undefined
    return why
  }
  return {
    bring(guests) {
      if (!guests.some(hasNetwork) && !place.left()) return undefined
      return begun().then((keeper) => keeper.bring(guests))
    },
    trust(numbers) {
      running.clear()
      for (const number of numbers) running.add(number)
    },
    ready: (number) => loading?.then((keeper) => keeper.ready(number)),
    settle: (number, asked) => loading?.then((keeper) => keeper.settle(number, asked)),
    async lacks({ spec }) {
      const wanted = await networksOf(parts.store, spec)
      const [first] = wanted
      if (!first) return undefined
      const has = await place.devices()
      const missing = wanted.find(({ uplink }) => !has.includes(uplink))
      if (missing) return { network: missing.name, uplink: missing.uplink, device: missing.uplink }
      const why = await obstacle()
      const { name: network, uplink, vlan } = first
      return why === undefined ? undefined : { network, uplink, device: `${uplink}.${vlan}`, why }
    },
    async sight(toBe = false) {
      const [devices, networks] = await Promise.all([place.devices(), readNetworks(parts.store)])
      const uplinks = devices.filter(isUplink).sort().slice(0, mostUplinks)
      const untagged = networks.length === 0 && !toBe ? undefined : await obstacle()
      return untagged === undefined ? { uplinks } : { uplinks, untagged }
    },
    refused: () => keeper?.refused ?? new Set(),
    check: async () => (loading || place.left() ? (await begun()).check() : []),
  }
}
