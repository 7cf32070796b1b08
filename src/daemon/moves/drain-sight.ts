/** Who is on a host that is to be empty, and where each could go. */
import { CroftError } from '../../api/errors.ts'
import type { GuestSpec } from '../../api/guest.ts'
import { boundTo, type DrainPlan, type Leaver, planDrain } from '../../plan/drain.ts'
import type { Daemon } from '../daemon.ts'
import { leavingWith } from '../placing/leaving.ts'
import { askFor, readPlacementHosts } from '../placing/sight.ts'
import type { SiteRecord } from '../records/app-records.ts'
import { keys } from '../records/keys.ts'
import { type GuestRecord, type HostRecord, read, readAll } from '../records/records.ts'

const noOther = 'no other host takes instances'

type Sees = Pick<Daemon, 'store' | 'open'>

export interface DrainSight {
  readonly plan: DrainPlan
  /** By name, of those that the plan speaks of. */
  readonly numbers: ReadonlyMap<string, number>
  /** Instances of sites: those are begun elsewhere, not moved. */
  readonly leaving: readonly string[]
  readonly isDrained: boolean
}

export async function sightOfDrain(daemon: Sees, host: string): Promise<DrainSight> {
  const [hosts, { leaving: able }, records, guests] = await Promise.all([
    readPlacementHosts(daemon),
    leavingWith(daemon, host),
    readAll<HostRecord>(daemon.store, keys.hosts),
    readAll<GuestRecord>(daemon.store, keys.guests(host)),
  ])
  if (hosts.length < 2)
    throw new CroftError('REFUSED', 'this farm has one host: its guests have nowhere to go', {
      hint: 'croft host invite',
    })
  const barredAt = await portsOf(
    daemon,
    hosts.map(({ name }) => name).filter((name) => name !== host),
  )
  const numbers = new Map<string, number>()
  const leavers: Leaver[] = []
  const leaving: string[] = []
  for (const { value } of guests) {
    const { name, number, spec, deleting } = value
    // A build ends by itself.
    if (deleting || spec.part?.kind === 'build') continue
    const isInstance = spec.part?.kind === 'instance'
    const bound = (await bindingOf(daemon, value)) ?? (isInstance && !able.includes(name) ? noOther : undefined)
    if (isInstance && bound === undefined) {
      leaving.push(name)
      continue
    }
    numbers.set(name, number)
    leavers.push({ name, ask: await askOf(daemon, value), bound, barred: barredAt(spec) })
  }
  const isDrained = records.some(({ value }) => value.name === host && value.drained === true)
  return { plan: planDrain(hosts, host, leavers), numbers, leaving, isDrained }
}

/** Why it stays; instances of sites are begun elsewhere, where that is done. */
export async function bindingOf({ store }: Pick<Daemon, 'store'>, guest: GuestRecord): Promise<string | undefined> {
  const { host, name, spec } = guest
  const bound = boundTo(host, name, spec)
  if (bound) return bound.why
  if (spec.part?.kind !== 'instance') return undefined
  const site = await read<SiteRecord>(store, keys.site(spec.part.site))
  return site?.value.run === 'stopped' ? 'its site is stopped: it is begun elsewhere once that serves' : undefined
}

export const askOf = (daemon: Pick<Daemon, 'store'>, { name, host, spec }: GuestRecord) => {
  const { from } = spec.root
  return askFor(daemon, { spec, guest: { name, host }, ...(from.kind === 'template' ? { template: from.id } : {}) })
}

/** Which of these hosts has given a published port of such a guest to somebody else. */
export async function portsOf(
  { store }: Pick<Daemon, 'store'>,
  hosts: readonly string[],
): Promise<(spec: Pick<GuestSpec, 'ports'>) => Readonly<Record<string, string>>> {
  const taken = await Promise.all(
    hosts.map(async (host) => [host, new Set((await readAll(store, keys.ports(host))).map(({ key }) => key))] as const),
  )
  return ({ ports }) =>
    Object.fromEntries(
      taken.flatMap(([host, keysThere]) => {
        const port = ports.find(({ protocol, hostPort }) => keysThere.has(keys.port(host, protocol, hostPort)))
        return port ? [[host, `port ${port.protocol}/${port.hostPort} is taken there`]] : []
      }),
    )
}
