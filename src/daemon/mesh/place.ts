/** Where a host keeps its mesh, and by which driver; loaded when there are several hosts. */
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Runner } from '../../drivers/exec/command.ts'
import { createArrivals } from '../host/arrivals.ts'
import { createHostPace } from '../host/pace.ts'
import type { HostParts } from '../host/parts.ts'
import { defaultStateDir, type Settings, tagOf } from '../settings.ts'
import { hostVlans } from '../vlans/place.ts'
import { createElsewhere } from './elsewhere.ts'
import { createHostMesh, type MeshParts, type MeshPlace } from './mesh.ts'

/** What of a host's parts is about the other hosts, and about networks that are not the farm's own. */
export function hostsParts(
  parts: Omit<MeshParts, 'elsewhere'>,
  by: { readonly run: Runner; readonly settings: Settings },
): Pick<HostParts, 'elsewhere' | 'mesh' | 'vlans' | 'arrivals' | 'pace'> {
  const elsewhere = createElsewhere(parts)
  const mesh = createHostMesh({ ...parts, elsewhere }, meshPlace(by.run, by.settings))
  const arrivals = createArrivals(join(by.settings.stateDir, 'arrivals'), parts.env)
  return { elsewhere, mesh, vlans: hostVlans(parts, by), arrivals, pace: createHostPace(parts) }
}

/** On a host that has left its farm: nothing of it stays in the network, and no key. */
export async function forgetMesh(run: Runner, settings: Settings): Promise<void> {
  const place = meshPlace(run, settings)
  if (!place.left()) return
  for (const kind of ['wireguard', 'none'] as const) await (await place.driver(kind)).down()
  await rm(folderOf(settings), { recursive: true, force: true })
}

const folderOf = ({ stateDir }: Settings): string => join(stateDir, 'mesh')

function meshPlace(run: Runner, settings: Settings): MeshPlace {
  const { stateDir } = settings
  const folder = folderOf(settings)
  return {
    left: () => existsSync(folder),
    async driver(kind) {
      const { meshDrivers } = await import('../../drivers/mesh/table.ts')
      if (kind === 'none') return meshDrivers.direct({ run })
      // Guests' links begin otherwise. Several daemons on one machine differ in it.
      const link = stateDir === defaultStateDir ? 'mesh0' : `mesh${tagOf(stateDir)}`
      return meshDrivers.wireguard({ run, folder, link })
    },
  }
}
