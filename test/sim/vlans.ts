/** VLAN networks of a simulated host: a wire of its own, on which others may have an address. */
import type { VlanParts } from '../../src/daemon/vlans/vlans.ts'
import { createHostVlans, type HostVlans } from '../../src/daemon/vlans/vlans.ts'
import { createFakeVlans, type FakeVlans } from '../../src/drivers/vlan/fake/index.ts'

export interface SimVlans {
  readonly taken: Set<string>
  /** Devices of the host, and what its kernel lacks. */
  readonly wire: { readonly taken: Set<string>; uplinks: readonly string[]; obstacle?: string }
  readonly driver: FakeVlans
  of(parts: VlanParts): HostVlans
}

export function simVlans(taken = new Set<string>()): SimVlans {
  const wire: SimVlans['wire'] = { taken, uplinks: ['eth1'] }
  const driver = createFakeVlans(wire)
  const of = (parts: VlanParts) =>
    createHostVlans(parts, {
      driver: async () => driver,
      left: () => driver.wish.networks.length > 0,
      mark: async () => {},
      unmark: async () => {},
      devices: async () => ['lo', 'croft1', ...wire.uplinks],
    })
  return { taken, wire, driver, of }
}
