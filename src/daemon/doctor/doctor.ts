/** What is wrong with this host, each with evidence and the command that mends it. */
import type { Finding } from '../../api/resources.ts'
import { createRunner } from '../../drivers/exec/runner.ts'
import { systemEnv } from '../env.ts'
import type { Settings } from '../settings.ts'
import { addresses } from './addresses.ts'
import { cgroups } from './cgroups.ts'
import { clock } from './clock.ts'
import { doorHealth } from './door.ts'
import { edge } from './edge.ts'
import { red, type Theme } from './finding.ts'
import { foreignFirewalls } from './foreign-firewalls.ts'
import { hooks } from './hooks.ts'
import { kernel } from './kernel.ts'
import { leftovers } from './leftovers.ts'
import { createLook, type Look } from './look.ts'
import { lxcfs } from './lxcfs.ts'
import { neighbours } from './neighbours.ts'
import type { Patient } from './patient.ts'
import { pools } from './pools.ts'
import { preparation } from './preparation.ts'
import { names, resolver } from './resolver.ts'
import { storeHealth } from './store.ts'
import { subordinateIds } from './subordinate-ids.ts'
import { programs } from './tools.ts'

export const themes: readonly Theme[] = [
  kernel,
  cgroups,
  programs,
  preparation,
  subordinateIds,
  addresses,
  resolver,
  names,
  foreignFirewalls,
  neighbours,
  storeHealth,
  pools,
  leftovers,
  hooks,
  lxcfs,
  clock,
  doorHealth,
  edge,
]

/** Never throws: a theme that cannot be examined is a red finding of its name. The order is the order of `themes`. */
export async function diagnose(patient: Patient, look: Look = createLook(patient.run)): Promise<readonly Finding[]> {
  return (await Promise.all(themes.map((theme) => examine(theme, look, patient)))).flat()
}

/** For a host whose daemon does not answer: what needs neither store nor farm. */
export function diagnoseWithoutDaemon(settings: Settings): Promise<readonly Finding[]> {
  return diagnose({ run: createRunner(), settings, env: systemEnv, store: undefined, open: undefined })
}

async function examine(theme: Theme, look: Look, patient: Patient): Promise<readonly Finding[]> {
  try {
    return await theme.examine(look, patient)
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown)
    return [red(theme.name, `could not be examined: ${why}`, 'mend what the message names, then croft doctor')]
  }
}
