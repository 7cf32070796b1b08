/** Which hosts a network of the site can be on: by what each tells of itself, and by a look at this one. */
import { CroftError } from '../../api/errors.ts'
import type { PublicAddress } from '../../api/guest.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import type { VlanSight } from '../vlans/vlans.ts'
import { keys } from './keys.ts'
import { type FactsRecord, type HostRecord, readAll } from './records.ts'

/** REFUSED when a guest of this host could not have these: it would not start. */
export async function assertHasUplinks(daemon: Daemon, guest: string, gained: readonly PublicAddress[]): Promise<void> {
  const { vlans, host } = getFarm(daemon).parts
  const lack = await vlans.lacks({ spec: { addresses: gained } })
  if (!lack) return
  const { network, uplink, device, why } = lack
  const [other] = await hostsWith(daemon, uplink)
  const elsewhere = other === undefined ? `croft network set ${network} uplink=DEVICE` : `croft move ${guest} ${other}`
  const because = why === undefined ? '' : `: ${why}`
  throw new CroftError(
    'REFUSED',
    `host ${host.name} has no device ${device}, which network ${network} is on${because}`,
    {
      hint: why === undefined ? elsewhere : `modprobe 8021q · ${elsewhere}`,
    },
  )
}

/** A line for people when guests of it could start nowhere. */
export async function warnOfUplink(
  daemon: Daemon,
  { name, uplink }: { readonly name: string; readonly uplink: string },
) {
  if ((await hostsWith(daemon, uplink)).length > 0) return {}
  return {
    warnings: [
      `no host can have ${name} now, for want of a device ${uplink} or of 802.1q: no guest comes in before one can`,
    ],
  }
}

/** Where a network could be on that device; this host as it is now. */
async function hostsWith(daemon: Daemon, uplink: string): Promise<string[]> {
  const { parts } = getFarm(daemon)
  const [hosts, facts, here] = await Promise.all([
    readAll<HostRecord>(daemon.store, keys.hosts),
    readAll<FactsRecord>(daemon.store, keys.allFacts),
    parts.vlans.sight(),
  ])
  const told = new Map<string, Partial<VlanSight>>(
    facts.map(({ key, value }) => [key.slice(keys.allFacts.length), value]),
  )
  told.set(parts.host.name, here)
  return hosts.flatMap(({ value: { name, dead, witness } }) => {
    const { uplinks = [], untagged } = told.get(name) ?? {}
    return dead === undefined && !witness && untagged === undefined && uplinks.includes(uplink) ? [name] : []
  })
}
