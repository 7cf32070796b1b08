/** What a deploy would do, also to a site that is not there yet. Nothing is written. */
import type { PlannedStep } from '../../api/resources.ts'
import type { Daemon } from '../daemon.ts'
import type { Caller } from '../http/access.ts'
import { keys } from './keys.ts'
import { type Asked, decideRollout, getRelease } from './rollouts.ts'
import { freshSite, readSite } from './sites.ts'

export async function planRollout(daemon: Daemon, caller: Caller, asked: Asked): Promise<readonly PlannedStep[]> {
  const { site, version, toBe } = asked
  const ids = { id: daemon.env.id(), anew: daemon.env.id() }
  if (await readSite(daemon, site)) return (await decideRollout(daemon, caller, asked, ids)).steps
  // Nothing begins for a version that is not there.
  const [app = '', stage = ''] = site.split('/')
  const ref = toBe?.ref ?? (await getRelease(daemon, { app, stage, release: null }, version)).value.ref
  const fresh = { key: keys.site(site), revision: 0, value: freshSite(daemon, caller, site) }
  // Nor is a site made for what cannot be deployed.
  const { steps } = await decideRollout(daemon, caller, { ...asked, fresh }, ids)
  return [{ what: site, step: 'add', detail: `site, with ${ref}` }, ...steps]
}
