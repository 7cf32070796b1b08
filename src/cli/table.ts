/** The one table of commands: it feeds parser, help and documentation. A command's module is loaded when it runs. */
import type { CommandRow } from './command.ts'
import { addressCommands } from './table/address.ts'
import { buildCommands } from './table/build.ts'
import { certCommands } from './table/cert.ts'
import { configCommands } from './table/config.ts'
import { croftCommands } from './table/croft.ts'
import { deployCommands } from './table/deploy.ts'
import { doorCommands } from './table/door.ts'
import { farmCommands } from './table/farm.ts'
import { guestCommands } from './table/guest.ts'
import { hostCommands } from './table/host.ts'
import { insideCommands } from './table/inside.ts'
import { mountCommands } from './table/mount.ts'
import { networkCommands } from './table/network.ts'
import { replicaCommands } from './table/replica.ts'
import { routeCommands } from './table/route.ts'
import { siteCommands } from './table/site.ts'
import { templateCommands } from './table/template.ts'
import { volumeCommands } from './table/volume.ts'

export const commands: readonly CommandRow[] = [
  ...guestCommands,
  ...insideCommands,
  ...templateCommands,
  ...addressCommands,
  ...mountCommands,
  ...replicaCommands,
  ...routeCommands,
  ...siteCommands,
  ...configCommands,
  ...buildCommands,
  ...deployCommands,
  ...volumeCommands,
  ...certCommands,
  ...farmCommands,
  ...networkCommands,
  ...hostCommands,
  ...doorCommands,
  ...croftCommands,
]
