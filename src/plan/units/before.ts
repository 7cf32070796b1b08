/** The step before traffic as a unit: nothing starts it but a rollout, and once it has ended well it is not run again. */
import { appFolder, appUser, type SeedFile } from '../../api/app.ts'
import { execLine, hardening, surroundings } from './daemon.ts'
import { type InstanceInput, unitFolder } from './input.ts'
import { unitText } from './text.ts'

export const beforeUnit = 'croft-before.service'

export function beforeFiles({ config, site, secrets }: InstanceInput): SeedFile[] {
  if (config.before === null) return []
  const text = unitText({
    Unit: [
      ['Description', `before ${site}`],
      ['After', 'network.target'],
    ],
    Service: [
      ['Type', 'oneshot'],
      ['RemainAfterExit', 'yes'],
      ['ExecStart', execLine(config.before.command)],
      ['TimeoutStartSec', String(config.before.timeoutSeconds)],
      ...surroundings({ user: appUser.name, folder: appFolder, secrets }),
      ...hardening,
    ],
  })
  return [{ path: `${unitFolder}/${beforeUnit}`, mode: 0o644, text }]
}
