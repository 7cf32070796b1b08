/** Which hosts a network of the site can be on: by what each tells of itself, and by a look at this one. */
import { CroftError } from '../../api/errors.ts'
import type { PublicAddress } from '../../api/guest.ts'
import type { Finding } from '../../api/resources.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import { ok, warn } from '../doctor/finding.ts'
import type { VlanSight } from '../vlans/vlans.ts'
import { keys } from './keys.ts'
import { readNetworks } from './networks.ts'
import { type FactsRecord, type HostRecord, readAll } from './records.ts'

/** REFUSED when a guest of this host could not have these: it would not start. */
export async function assertHasUplinks(daemon: Daemon, guest: string, gained: readonly PublicAddress[]): Promise<void> {
  const { vlans, host } = getFarm(daemon).parts
  const lack = await vlans.lacks({ spec: { addresses: gained } })
  if (!lack) return
  const { network, uplink, device, why } = lack
  const [other] = (await seenHosts(daemon)).filter(canHave(uplink)).map(({ name }) => name)
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

/** A line for people when guests of it could start nowhere, or not on this host. */
export async function warnOfUplink(
  daemon: Daemon,
  { name, uplink }: { readonly name: string; readonly uplink: string },
) {
  const hosts = await seenHosts(daemon)
  const why = whyNowhere(hosts, uplink)
  if (why !== undefined) return { warnings: [`no host can have ${name} now: ${why}; no guest comes in before one can`] }
  const here = hosts.find((host) => host.name === getFarm(daemon).parts.host.name)
  if (here?.untagged === undefined || !here.uplinks.includes(uplink)) return {}
  return { warnings: [`host ${here.name} cannot have ${name} now: ${here.untagged}; its guests go to other hosts`] }
}

/** Networks that no guest here has an address of: whether one could, beside what is told of those in use. */
export async function findingsOfIdle(daemon: Daemon, told: readonly Finding[]): Promise<Finding[]> {
  const idle = (await readNetworks(daemon.store)).filter(
    ({ name }) => !told.some(({ check }) => check === `network:${name}`),
  )
  if (idle.length === 0) return []
  const hosts = await seenHosts(daemon)
  const { name: here } = getFarm(daemon).parts.host
  return idle.map(({ name, uplink }) => {
    const check = `network:${name}`
    const why = whyNowhere(hosts, uplink)
    if (why !== undefined)
      return warn(check, `no host can have it: ${why}`, `modprobe 8021q · croft network set ${name} uplink=DEVICE`)
    const able = hosts.filter(canHave(uplink)).map((host) => host.name)
    return ok(
      check,
      `no guest here has an address of it; ${able.includes(here) ? here : able.join(', ')} could have one`,
    )
  })
}

interface SeenHost extends VlanSight {
  readonly name: string
}

const canHave =
  (uplink: string) =>
  ({ uplinks, untagged }: SeenHost): boolean =>
    untagged === undefined && uplinks.includes(uplink)

/** Undefined when some host could have a network on that device. */
function whyNowhere(hosts: readonly SeenHost[], uplink: string): string | undefined {
  if (hosts.some(canHave(uplink))) return undefined
  const having = hosts.filter(({ uplinks }) => uplinks.includes(uplink))
  if (having.length === 0) return `none has a device ${uplink}`
  return having.map(({ name, untagged }) => `${name} has ${uplink}, but ${untagged}`).join(', ')
}

/** What each can have of networks, as it tells of itself; this host as it is now. */
async function seenHosts(daemon: Daemon): Promise<SeenHost[]> {
  const { parts } = getFarm(daemon)
  const [hosts, facts, here] = await Promise.all([
    readAll<HostRecord>(daemon.store, keys.hosts),
    readAll<FactsRecord>(daemon.store, keys.allFacts),
    parts.vlans.sight(true),
  ])
  const told = new Map<string, Partial<VlanSight>>(
    facts.map(({ key, value }) => [key.slice(keys.allFacts.length), value]),
  )
  told.set(parts.host.name, here)
  return hosts.flatMap(({ value: { name, dead, witness } }) => {
    if (dead !== undefined || witness) return []
    const { uplinks = [], untagged } = told.get(name) ?? {}
    return [{ name, uplinks, ...(untagged === undefined ? {} : { untagged }) }]
  })
}
