/** What is there of a site, as its loop looks at it. */

import type { GuestStatus } from '../../api/guest.ts'
import type { SiteExit } from '../../api/site.ts'
import { ipv4Of } from '../../plan/addresses.ts'
import { withinSecondsOf } from '../../plan/deploy.ts'
import { idOf } from '../../plan/edge.ts'
import type { MemberSight, RolloutSight } from '../../plan/rollout.ts'
import { exitLine } from '../../plan/site-exits.ts'
import type { JobsSight } from '../../plan/site-jobs.ts'
import type { RunSight } from '../../plan/site-run.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import type { Member, MembersRecord, RolloutRecord, SiteRecord } from '../records/app-records.ts'
import { readFarmGuests, readFarmStatuses } from '../records/farm-guests.ts'
import { keys } from '../records/keys.ts'
import { type GuestRecord, type Held, type HostRecord, read, readAll } from '../records/records.ts'
import type { HealthBoard, Watched } from './health.ts'

export const drainMs = 30_000
/** What died is made anew at once; what dies again soon after that waits. */
const repairEveryMs = 300_000

interface Known {
  readonly record: GuestRecord
  readonly status: GuestStatus | undefined
}

export interface SiteNow {
  readonly name: string
  readonly site: Held<SiteRecord> | undefined
  readonly members: Held<MembersRecord> | undefined
  readonly rollout: Held<RolloutRecord> | undefined
  /** By number: those of this site alone. */
  readonly guests: ReadonlyMap<number, Known>
}

export async function readSiteNow(daemon: Daemon, name: string): Promise<SiteNow> {
  const { store } = daemon
  const [site, members, rollout, guests] = await Promise.all([
    read<SiteRecord>(store, keys.site(name)),
    read<MembersRecord>(store, keys.membersOf(name)),
    read<RolloutRecord>(store, keys.rollout(name)),
    readFarmGuests(store),
  ])
  const own = guests.filter(({ value: { spec } }) => spec.part?.kind === 'instance' && spec.part.site === name)
  const byNumber = await readFarmStatuses(store, own)
  const known = own.map(({ value }) => [value.number, { record: value, status: byNumber.get(value.number) }] as const)
  return { ...{ name, site, members, rollout }, guests: new Map(known) }
}

export const membersOf = ({ members }: SiteNow): readonly Member[] => members?.value.members ?? []

/** Who of them is to be asked whether it is well. */
export function watchedOf(daemon: Daemon, now: SiteNow): Watched[] {
  const { farm } = getFarm(daemon).parts
  const { config, state: is, holdSeconds, new: made = [] } = now.rollout?.value ?? {}
  const held = is === 'running' && holdSeconds !== undefined ? made : []
  return membersOf(now).flatMap(({ id, number, name, daemons, state }) => {
    if (guestOf(now, { id, number }).guest !== 'running') return []
    const host = config?.route.domains[0] ?? 'localhost'
    const startedAt = Date.parse(now.guests.get(number)?.status?.startedAt ?? '') || 0
    const address = ipv4Of(farm.prefix4, number)
    return [{ id, number, name, daemons, host, address, startedAt, eager: state === 'starting' || held.includes(name) }]
  })
}

type Place = Pick<Member, 'id' | 'number'>

function guestOf({ guests }: SiteNow, { id, number }: Place): Pick<MemberSight, 'guest' | 'why'> {
  const known = guests.get(number)
  if (known?.record.id !== id || known.record.deleting) return { guest: 'gone' }
  const { status } = known
  if (status?.state === 'failed') return { guest: 'failed', why: status.reason ?? 'it does not start' }
  return { guest: status?.state === 'running' ? 'running' : 'coming' }
}

/** Of jobs that run once for the site: who has them, and who should. */
function jobsSight(now: SiteNow): JobsSight {
  const heir = membersOf(now).find(
    (member) =>
      member.slot === 1 && member.state === 'ready' && member.jobs && guestOf(now, member).guest === 'running',
  )
  const held = now.members?.value.jobs
  const there = held && now.guests.get(held.number)?.record.id === held.id
  const guest = !there ? 'gone' : guestOf(now, held).guest === 'running' ? 'running' : 'away'
  return {
    ...(held ? { holder: { name: held.name, state: held.state, guest } } : {}),
    ...(heir ? { heir: heir.name } : {}),
  }
}

interface Seen {
  readonly health: HealthBoard
  /** By member, of those that drain. */
  readonly open: ReadonlyMap<string, number>
  readonly now: number
  /** What of its daemons ended by itself, while a rollout holds. */
  readonly ended?: readonly SiteExit[]
  /** Whose host is drained while another is not. */
  readonly leaves?: (guest: GuestRecord | undefined) => boolean
}

const sightOf =
  (now: SiteNow, { health, open, ended = [] }: Seen) =>
  (member: Member): MemberSight => {
    const { name, state, slot, since, id } = member
    const exit = ended.find((each) => each.instance === name && each.kind === 'daemon' && each.at > since)
    const heard = exit ? { good: false as const, why: exitLine(exit), daemon: exit.name } : health.of(id)
    const held = open.get(name)
    return {
      ...{ name, state, slot, since: Date.parse(since), ...guestOf(now, member) },
      ...(heard === undefined ? {} : { health: heard }),
      ...(held === undefined ? {} : { open: held }),
    }
  }

export function rolloutSight(now: SiteNow, rollout: RolloutRecord, seen: Seen): RolloutSight {
  const { step, since, cancel, slots, waves = [], order, holdSeconds = 0, config, before } = rollout
  return {
    ...{ step, since: Date.parse(since), now: seen.now, waves, drainMs },
    ...{
      cancelled: cancel === true || now.site?.value.deleting === true,
      count: slots.length,
      old: rollout.old,
      new: rollout.new,
    },
    holdMs: holdSeconds * 1000,
    ...(order ? { order: order.map(({ slot }) => slot) } : {}),
    before: config.before === null ? 'none' : (before ?? 'wanted'),
    ...{ members: membersOf(now).map(sightOf(now, seen)), jobs: jobsSight(now) },
    withinMs: withinSecondsOf(config) * 1000,
  }
}

export function runSight(now: SiteNow, site: SiteRecord, seen: Seen): RunSight {
  const sight = sightOf(now, seen)
  const members = membersOf(now).map((member) => ({
    ...sight(member),
    wished: now.guests.get(member.number)?.record.spec.run === 'stopped' ? ('stopped' as const) : ('running' as const),
    leaves: seen.leaves?.(now.guests.get(member.number)?.record) ?? false,
  }))
  const known = new Set(membersOf(now).map(({ number }) => number))
  const last = now.rollout?.value
  const since = last?.repair && last.finished !== undefined ? seen.now - Date.parse(last.finished) : repairEveryMs
  const repairInMs = Math.max(0, Math.min(repairEveryMs, repairEveryMs - since))
  return {
    ...{ run: site.run, deleting: site.deleting === true, now: seen.now, members, drainMs, jobs: jobsSight(now) },
    leaving: [...now.guests.keys()].filter((number) => !known.has(number)).length,
    ...(now.members?.value.serves ? { repairInMs, leaveInMs: last?.state === 'failed' ? repairInMs : 0 } : {}),
  }
}

/** What visitors still have open with those that drain; who cannot be asked is left out. */
export async function readOpen(daemon: Daemon, now: SiteNow): Promise<ReadonlyMap<string, number>> {
  const { edge } = getFarm(daemon).parts
  const draining = membersOf(now).filter(({ state }) => state === 'draining')
  const held = await Promise.all(
    draining.map(async ({ name, id }) => {
      const open = edge ? await edge.open(idOf(id)).catch(() => undefined) : 0
      return open === undefined ? [] : [[name, open] as const]
    }),
  )
  return new Map(held.flat())
}

/** Instances with lasting data stay: that is on their host. */
export async function leavesOf(daemon: Daemon): Promise<(guest: GuestRecord | undefined) => boolean> {
  if (!getFarm(daemon).others) return () => false
  return leavesAt((await readAll<HostRecord>(daemon.store, keys.hosts)).map(({ value }) => value))
}

export function leavesAt(hosts: readonly HostRecord[]): (guest: GuestRecord | undefined) => boolean {
  const isOpen = ({ drained, witness, dead }: HostRecord) => !drained && !witness && dead === undefined
  if (!hosts.some(isOpen)) return () => false
  const drained = new Set(hosts.flatMap(({ name, drained: is }) => (is ? [name] : [])))
  return (guest) => guest !== undefined && drained.has(guest.host) && (guest.spec.volumes ?? []).length === 0
}
