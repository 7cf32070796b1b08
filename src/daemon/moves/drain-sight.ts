/** Who is on a host that is to be empty, and where each could go. */
import { CroftError } from '../../api/errors.ts'
import type { GuestSpec } from '../../api/guest.ts'
import { boundTo, type DrainPlan, type Leaver, type Load, loadsOf, planDrain } from '../../plan/drain.ts'
import type { PlacementAsk } from '../../plan/placement.ts'
import { movePromise, nothingPromised, promiseOf } from '../../plan/promised.ts'
import type { Daemon } from '../daemon.ts'
import { poolOfVolumes } from '../host/volume-loop.ts'
import { leavingWith } from '../placing/leaving.ts'
import { askFor, readPlacementHosts } from '../placing/sight.ts'
import type { SiteRecord } from '../records/app-records.ts'
import { keys } from '../records/keys.ts'
import { type GuestRecord, type HostRecord, read, readAll } from '../records/records.ts'

const noOther = 'no other host takes instances'

type Sees = Pick<Daemon, 'store' | 'open'>

export interface DrainSight {
  readonly plan: DrainPlan
  /** By name, of what the plan speaks of: a site has those of its instances. */
  readonly numbers: ReadonlyMap<string, readonly number[]>
  /** Instances of sites: those are begun elsewhere, not moved. */
  readonly leaving: readonly string[]
  readonly isDrained: boolean
}

export async function sightOfDrain(daemon: Sees, host: string): Promise<DrainSight> {
  const [hosts, { leaving: able }, records, found] = await Promise.all([
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
  const numbers = new Map<string, readonly number[]>()
  const leavers: Leaver[] = []
  const leaving: string[] = []
  // A build ends by itself.
  const guests = found
    .map(({ value }) => value)
    .filter(({ deleting, spec }) => !deleting && spec.part?.kind !== 'build')
  for (const load of loadsOf(guests)) {
    const { name, guests: all, site } = load
    const [{ spec }] = all
    const isPlaced = spec.part?.kind === 'instance' && site === undefined
    const bound = (await bindingOf(daemon, load)) ?? (isPlaced && !able.includes(name) ? noOther : undefined)
    if (isPlaced && bound === undefined) {
      leaving.push(name)
      continue
    }
    numbers.set(
      name,
      all.map(({ number }) => number),
    )
    leavers.push({ name, ask: await askOf(daemon, load), bound, barred: barredAt(spec) })
  }
  const isDrained = records.some(({ value }) => value.name === host && value.drained === true)
  return { plan: planDrain(hosts, host, leavers), numbers, leaving, isDrained }
}

/** Why it stays; instances of sites without data are begun elsewhere, where that is done. */
export async function bindingOf(
  { store }: Pick<Daemon, 'store'>,
  load: Load<GuestRecord>,
): Promise<string | undefined> {
  for (const { host, name, spec } of load.guests) {
    const bound = boundTo(host, name, spec)
    if (bound) return bound.why
  }
  const { part } = load.guests[0].spec
  if (part?.kind !== 'instance' || load.site !== undefined) return undefined
  const site = await read<SiteRecord>(store, keys.site(part.site))
  return site?.value.run === 'stopped' ? 'its site is stopped: it is begun elsewhere once that serves' : undefined
}

/** In one, what all of them ask for. */
export async function askOf(daemon: Sees, { guests, site }: Load<GuestRecord>): Promise<PlacementAsk> {
  const [{ name, host, spec }] = guests
  const { from } = spec.root
  const asking = { spec, guest: { name, host }, leaving: guests.map((each) => each.name) }
  const ask = await askFor(daemon, { ...asking, ...(from.kind === 'template' ? { template: from.id } : {}) })
  if (site === undefined) return ask
  const promised = guests.reduce(
    (sum, each) => movePromise(sum, nothingPromised, promiseOf(each.spec)),
    nothingPromised,
  )
  return {
    ...ask,
    ...{ memoryBytes: promised.memoryBytes, diskBytes: promised.disk[spec.pool] ?? 0 },
    dataBytes: await dataBytesOf(daemon, guests),
    needs: [...(ask.needs ?? []), 'data-moves'],
  }
}

/** Of what lies on this host. */
async function dataBytesOf({ open }: Sees, guests: readonly GuestRecord[]): Promise<number> {
  const storage = open()?.parts.storage(poolOfVolumes)
  const ids = new Set(guests.flatMap(({ spec }) => (spec.volumes ?? []).map(({ id }) => id)))
  const usages = await Promise.all([...ids].map((id) => storage?.usage({ kind: 'volume', id })))
  return usages.reduce((sum, usage) => sum + (usage?.usedBytes ?? 0), 0)
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
