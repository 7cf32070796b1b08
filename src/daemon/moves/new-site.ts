/** The beginning of the move of a site's lasting data, and of the instances that have it: whether it can be. */
import { CroftError } from '../../api/errors.ts'
import type { PlannedStep } from '../../api/resources.ts'
import { roughSize } from '../../plan/amount.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import { poolOfVolumes } from '../host/volume-loop.ts'
import type { Caller } from '../http/access.ts'
import type { RolloutRecord, SiteRecord, VolumeRecord } from '../records/app-records.ts'
import type { Change } from '../records/change.ts'
import { keys } from '../records/keys.ts'
import { moveGoal, type Part, same } from '../records/moves.ts'
import { type GuestRecord, type Held, type HostRecord, read, readAll } from '../records/records.ts'
import { getSiteToChange } from '../records/sites.ts'
import { findDataHost, hostOfVolume, onlyOn } from '../records/volume-places.ts'
import { listVolumes } from '../records/volumes.ts'
import { getTaking, lookForGuest, spareBytes } from './able.ts'
import { beginMove, untilCleared } from './reserve.ts'
import { bringSteps } from './template-comes.ts'

export interface AskedSiteMove {
  readonly site: string
  readonly to: string
  readonly id: string
  readonly rate?: number | undefined
}

export async function newSiteMove(daemon: Daemon, caller: Caller, asked: AskedSiteMove): Promise<Change> {
  const { site, rollout, host, guests, volumes, free } = await assertCan(daemon, asked)
  const { id, to, rate, site: name } = asked
  const data = { site: name, volumes: volumes.map(({ value }) => ({ id: value.id, name: value.name })) }
  const { record, compare, writes } = await beginMove(daemon, { id, name, caller, host, guests, rate, data })
  return {
    ...{ kind: 'site', name, verb: 'move', before: { host: record.from }, after: { host: to }, goal: moveGoal(id) },
    compare: [
      ...compare,
      { key: site.key, revision: site.revision },
      { key: keys.rollout(name), revision: rollout?.revision ?? 0 },
      ...volumes.map(same),
      ...free.compare,
    ],
    writes: [
      ...writes,
      ...free.writes,
      { put: site.key, value: { ...site.value, moving: { to } } satisfies SiteRecord },
    ],
  }
}

export async function planSiteSteps(daemon: Daemon, asked: AskedSiteMove): Promise<PlannedStep[]> {
  const { guests, volumes, usedBytes, live, lacking } = await assertCan(daemon, asked)
  const { site: what, to } = asked
  const names = guests.map(({ value }) => value.name).join(', ')
  const data = volumes.map(({ value }) => value.name).join(', ')
  return [
    ...(await bringSteps(getFarm(daemon).parts, what, { to, lacking })),
    {
      what,
      step: 'copy',
      detail: `${data}, about ${roughSize(usedBytes)}, to ${to} while it serves, then what changed`,
    },
    ...(live ? [{ what, step: 'stop', detail: `ask ${names} to shut down, and copy the last of it` }] : []),
    { what, step: 'switch', detail: `the data and ${names} are on ${to} from then on, with names and addresses` },
    ...(live ? [{ what, step: 'start', detail: `on ${to}, each made anew from its release` }] : []),
    { what, step: 'clear', detail: `remove data and disks on ${guests[0].value.host}` },
  ]
}

interface Able {
  readonly site: Held<SiteRecord>
  readonly rollout: Held<RolloutRecord> | undefined
  readonly host: Held<HostRecord>
  readonly guests: Guests
  readonly volumes: readonly Held<VolumeRecord>[]
  /** No other host has a record of them. */
  readonly free: Part
  readonly usedBytes: number
  readonly live: boolean
  /** Whose release is not there. */
  readonly lacking: readonly GuestRecord[]
}
type Guests = readonly [Held<GuestRecord>, ...Held<GuestRecord>[]]

async function assertCan(daemon: Daemon, { site: name, to }: AskedSiteMove): Promise<Able> {
  const { parts } = getFarm(daemon)
  const site = await getSiteToChange(daemon, name)
  const rollout = await read<RolloutRecord>(daemon.store, keys.rollout(name))
  if (rollout && (rollout.value.state === 'running' || rollout.value.next))
    throw new CroftError('BUSY', `${name} is being deployed`, { hint: `croft site show ${name}` })
  const volumes = await volumesHere(daemon, name, to)
  const free = await placeThere(daemon, volumes, to)
  const guests = await guestsWith(daemon, name, volumes)
  const host = await getTaking(daemon, guests[0].value, to)
  assertAllCan(daemon)
  assertFits(name, guests, volumes)
  const usedBytes = await assertDataHere(daemon, volumes)
  await untilCleared(daemon, { name })
  const lacking = await assertFreeThere(daemon, guests, { to, usedBytes })
  const seen = await Promise.all(guests.map(({ value }) => parts.runtime.observe(value.number)))
  const live = seen.some((each) => each?.state === 'running')
  return { site, rollout, host, guests, volumes, free, usedBytes, live, lacking }
}

/** Those of it that lie here. */
async function volumesHere(daemon: Daemon, site: string, to: string): Promise<readonly Held<VolumeRecord>[]> {
  const own = getFarm(daemon).parts.host.name
  await findDataHost(daemon.store, site)
  const all = (await listVolumes(daemon, site)).filter(({ value }) => !value.deleting)
  if (all.length === 0)
    throw new CroftError('REFUSED', `${site} has no lasting data: its instances are placed by themselves`, {
      hint: `croft host drain HOST · croft site show ${site}`,
    })
  const here = all.filter((volume) => hostOfVolume(volume) === own)
  if (here.length === 0 || own === to)
    throw new CroftError('REFUSED', `${site} cannot move: it is on ${to}`, { hint: `croft site show ${site}` })
  return here
}

/** A record there, where nothing lies, goes as the move begins; what is still being removed is waited for. */
async function placeThere(daemon: Daemon, volumes: readonly Held<VolumeRecord>[], to: string): Promise<Part> {
  const { store } = daemon
  const ids = volumes.map(({ value }) => value.id)
  const there = await Promise.all(ids.map((id) => read<VolumeRecord>(store, keys.volume(to, id))))
  const going = there.find((volume) => volume?.value.deleting)?.value
  if (going)
    throw new CroftError('BUSY', `${going.site}:${going.name} is still being removed on ${to}`, {
      hint: `croft volume show ${going.site}:${going.name}`,
    })
  const { compare, writes } = await onlyOn(store, getFarm(daemon).parts.host.name, ids)
  const absent = ids.filter((_, at) => !there[at]).map((id) => ({ key: keys.volume(to, id), revision: 0 }))
  return { compare: [...compare, ...absent], writes }
}

async function guestsWith(daemon: Daemon, site: string, volumes: readonly Held<VolumeRecord>[]): Promise<Guests> {
  const own = getFarm(daemon).parts.host.name
  const ids = new Set(volumes.map(({ value }) => value.id))
  const all = await readAll<GuestRecord>(daemon.store, keys.guests(own))
  const guests = all.filter(({ value }) => value.spec.volumes?.some(({ id }) => ids.has(id)))
  const going = guests.find(({ value }) => value.deleting)
  if (going) throw new CroftError('BUSY', `${going.value.name} is being removed`, { hint: `croft site show ${site}` })
  const [first, ...others] = guests
  if (first) return [first, ...others]
  throw new CroftError('REFUSED', `no instance of ${site} has its data now, and it goes with one`, {
    hint: `croft deploy ${site} · croft volume ls ${site}`,
  })
}

/** All walk the loop of its site when they lead. */
function assertAllCan(daemon: Daemon): void {
  const { others } = getFarm(daemon)
  for (const { name, dead } of others?.hosts() ?? []) if (!dead) others?.assertCan(name, 'data-moves')
}

/** A transaction of the store takes 128 writes. */
const mostWrites = 120

function assertFits(site: string, guests: Guests, volumes: readonly unknown[]): void {
  if (5 * guests.length + 4 * volumes.length <= mostWrites) return
  throw new CroftError('LIMIT_REACHED', `${guests.length} instances of ${site} have its data: too many to go in one`, {
    hint: `croft site scale ${site} 10`,
  })
}

/** How much there is of it. */
async function assertDataHere(daemon: Daemon, volumes: readonly Held<VolumeRecord>[]): Promise<number> {
  const storage = getFarm(daemon).parts.storage(poolOfVolumes)
  let sum = 0
  for (const { value } of volumes) {
    const usage = await storage.usage({ kind: 'volume', id: value.id })
    if (!usage)
      throw new CroftError('BUSY', `the data "${value.name}" of ${value.site} is not there yet`, {
        hint: `croft volume ls ${value.site}`,
      })
    sum += usage.usedBytes
  }
  return sum
}

async function assertFreeThere(
  daemon: Daemon,
  guests: Guests,
  { to, usedBytes }: { readonly to: string; readonly usedBytes: number },
): Promise<GuestRecord[]> {
  const lacking: GuestRecord[] = []
  for (const { value } of guests) {
    const look = await lookForGuest(daemon, value, to)
    if (!look.template) lacking.push(value)
    if (look.roots.length + look.snapshots.length + (look.volumes?.length ?? 0) > 0)
      throw new CroftError('REFUSED', `disks or data of ${value.name} lie on ${to} already, without a record`, {
        hint: `croft host plan (on ${to})`,
      })
    if (look.freeBytes !== null && usedBytes + spareBytes > look.freeBytes)
      throw new CroftError(
        'POOL_FULL',
        `the data needs ${roughSize(usedBytes)}, the pool of ${to} has ${roughSize(look.freeBytes)} left`,
        { hint: 'croft pool ls' },
      )
  }
  return lacking
}
