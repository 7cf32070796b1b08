/** VLAN networks in memory: a wire on which others may have an address. */
import { CroftError } from '../../../api/errors.ts'
import { checkVlans, deviceOf, single } from '../check.ts'
import type { Vlans, VlansWish } from '../driver.ts'

export interface FakeVlans extends Vlans {
  readonly wish: VlansWish
  /** As a foreign hand does: a device is gone. */
  removeDevice(device: string): void
}

/** `taken`: addresses that somebody on the wire has. `uplinks`: what this host has. `obstacle`: what its kernel lacks. */
export function createFakeVlans(wire: {
  readonly taken: Set<string>
  readonly uplinks: readonly string[]
  readonly obstacle?: string
}): FakeVlans {
  let wish: VlansWish = { farm: [], networks: [] }
  const devices = new Map<string, string>()
  return {
    name: 'fake',
    async reconcile(wanted) {
      checkVlans(wanted)
      for (const { uplink } of wanted.networks)
        if (!wire.uplinks.includes(uplink)) throw new CroftError('REFUSED', `this host has no device ${uplink}`)
      if (wire.obstacle !== undefined && wanted.networks.length > 0) throw new CroftError('FAILED', wire.obstacle)
      const changes: string[] = []
      const now = new Map(wanted.networks.map((network) => [deviceOf(network), JSON.stringify(network)]))
      for (const device of devices.keys())
        if (!now.has(device)) {
          devices.delete(device)
          changes.push(`${device}: taken down`)
        }
      for (const [device, text] of now) {
        if (devices.get(device) === text) continue
        changes.push(`${device}: told`)
        devices.set(device, text)
      }
      wish = structuredClone(wanted)
      return changes
    },
    async answers(network, address) {
      if (!devices.has(deviceOf(network))) throw new CroftError('FAILED', `there is no device ${deviceOf(network)}`)
      return wire.taken.has(single(address))
    },
    obstacle: async () => wire.obstacle,
    facts: async () =>
      wish.networks
        .filter((network) => devices.has(deviceOf(network)))
        .map((network) => ({ device: deviceOf(network), up: true, mtu: network.mtu ?? 1500 })),
    removeDevice: (device) => void devices.delete(device),
    get wish() {
      return wish
    },
  }
}
