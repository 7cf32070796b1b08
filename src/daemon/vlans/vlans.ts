/** VLAN networks of this host, as its loop sees them. While no guest here has an address of one nothing of it is loaded, and nothing runs. */
import type { Finding } from '../../api/resources.ts'
import type { Vlans } from '../../drivers/vlan/driver.ts'
import type { HostParts } from '../host/parts.ts'
import { readNetworks } from '../records/networks.ts'
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
  /** The device that this host does not have and the guest would want. */
  lacks(guest: Pick<GuestRecord, 'spec'>): Promise<string | undefined>
  /** Addresses that are the host's own, or somebody else's on that network: nothing leads there. */
  refused(): ReadonlySet<string>
  /** With evidence; nothing where there are none. */
  check(): Promise<readonly Finding[]>
}

export interface VlanPlace {
  driver(): Promise<Vlans>
  /** Networks were made here in an earlier life, or now. */
  readonly left: () => boolean
  readonly mark: () => Promise<void>
  readonly unmark: () => Promise<void>
  hasDevice(name: string): boolean
}

export type VlanParts = Pick<HostParts, 'store' | 'log' | 'host' | 'farm' | 'network'>

export const hasNetwork = ({ spec }: Pick<GuestRecord, 'spec'>): boolean =>
  (spec.addresses ?? []).some(({ network }) => network !== undefined)

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
    async lacks(guest) {
      if (!hasNetwork(guest)) return undefined
      const names = new Set((guest.spec.addresses ?? []).flatMap(({ network }) => network ?? []))
      const wanted = (await readNetworks(parts.store)).filter(({ name }) => names.has(name))
      return wanted.find(({ uplink }) => !place.hasDevice(uplink))?.uplink
    },
    refused: () => keeper?.refused ?? new Set(),
    check: async () => (loading || place.left() ? (await begun()).check() : []),
  }
}
