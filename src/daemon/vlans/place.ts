/** Whether a host has VLAN networks, and by which driver; loaded when it has. */
import { existsSync } from 'node:fs'
import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Runner } from '../../drivers/exec/command.ts'
import type { Settings } from '../settings.ts'
import { createHostVlans, type HostVlans, type VlanParts, type VlanPlace } from './vlans.ts'

export const hostVlans = (parts: VlanParts, by: { readonly run: Runner; readonly settings: Settings }): HostVlans =>
  createHostVlans(parts, vlanPlace(by.run, by.settings))

function vlanPlace(run: Runner, { stateDir, vlanKind }: Settings): VlanPlace {
  const file = join(stateDir, 'vlans')
  return {
    async driver() {
      const { vlanDrivers } = await import('../../drivers/vlan/table.ts')
      return vlanDrivers.iproute({ run, ...(vlanKind === undefined ? {} : { kind: vlanKind }) })
    },
    left: () => existsSync(file),
    mark: async () => (existsSync(file) ? undefined : writeFile(file, '', { mode: 0o600 })),
    unmark: () => rm(file, { force: true }),
    // Of the network namespace that this process is in.
    devices: () => readdir('/proc/sys/net/ipv4/conf').catch(() => []),
  }
}

/** On a host that has left its farm nothing of it stays in the network. */
export async function forgetVlans(run: Runner, settings: Settings): Promise<void> {
  const place = vlanPlace(run, settings)
  if (!place.left()) return
  await (await place.driver()).reconcile({ farm: [], networks: [] })
  await place.unmark()
}
