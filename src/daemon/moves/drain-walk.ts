/**
 * The emptying of a host, on that host: takes the next guest that is still there, brings it where placement says, and when that
 * fails to the next best. A daemon that died goes on by the record and by who is still there.
 */
import { toCroftError } from '../../api/errors.ts'
import type { Operation } from '../../api/resources.ts'
import { type Load, largestFirst, loadsOf } from '../../plan/drain.ts'
import { place } from '../../plan/placement.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import { pause } from '../env.ts'
import type { Caller } from '../http/access.ts'
import { readPlacementHosts } from '../placing/sight.ts'
import { commit } from '../records/change.ts'
import { changeDrain, type DrainRecord, drainGoal } from '../records/drains.ts'
import { keys } from '../records/keys.ts'
import type { MoveRecord } from '../records/moves.ts'
import { type GuestRecord, type HostRecord, read, readAll } from '../records/records.ts'
import { endDrain } from './drain-end.ts'
import { askOf, bindingOf, portsOf } from './drain-sight.ts'
import { newMove } from './new.ts'
import { newSiteMove } from './new-site.ts'

const lookEveryMs = 500
/** Somebody works on the guest, like a backup or a change: that ends. */
const busyPatienceMs = 600_000
const mostTries = 4

export interface DrainWalk {
  readonly daemon: Daemon
  readonly host: string
  /** The daemon ends. */
  readonly signal: AbortSignal
}

/** Throws what the store does not take: to be tried again. */
export async function walkDrain(walk: DrainWalk): Promise<void> {
  const drain = await readDrain(walk)
  if (!drain) return
  const busy = new Set<string>()
  const bring = async () => {
    for (let next = await nextOf(walk, busy); next; next = await nextOf(walk, busy)) await bringAway(walk, next)
  }
  await Promise.all(Array.from({ length: drain.parallel }, bring))
  await endDrain(walk)
}

export const readDrain = async ({ daemon, host }: DrainWalk): Promise<DrainRecord | undefined> =>
  (await read<DrainRecord>(daemon.store, keys.drain(host)))?.value

/** Somebody wants it no more. */
export async function isOver({ daemon, host }: DrainWalk, drain: DrainRecord | undefined): Promise<boolean> {
  if (!drain || drain.cancel) return true
  const record = await read<HostRecord>(daemon.store, keys.host(host))
  return record?.value.drained !== true
}

interface Next {
  readonly load: Load<GuestRecord>
  /** `2 of 5` */
  readonly count: string
}

async function nextOf(walk: DrainWalk, busy: Set<string>): Promise<Next | undefined> {
  const { daemon, signal } = walk
  signal.throwIfAborted()
  const drain = await readDrain(walk)
  if (!drain || (await isOver(walk, drain))) return undefined
  const done = new Set([...drain.stays, ...drain.left.map(({ number }) => number)])
  const loads = (await loadsThere(walk)).filter(({ guests }) => !guests.some(({ number }) => done.has(number)))
  const asks = loads.map(async (load) => ({ load, name: load.name, ask: await askOf(daemon, load) }))
  const next = largestFirst(await Promise.all(asks)).find(({ name }) => !busy.has(name))?.load
  if (!next) return undefined
  busy.add(next.name)
  const there = loads.reduce((sum, { guests }) => sum + guests.length, 0)
  const ended = drain.left.length + Math.max(0, drain.total - drain.left.length - there)
  return { load: next, count: `${Math.min(drain.total, ended + 1)} of ${drain.total}` }
}

/** Without what leaves by itself. */
async function loadsThere({ daemon, host }: DrainWalk): Promise<readonly Load<GuestRecord>[]> {
  const guests = (await readAll<GuestRecord>(daemon.store, keys.guests(host))).map(({ value }) => value)
  const loads = loadsOf(guests.filter(({ deleting }) => !deleting))
  return loads.filter(({ guests: [{ spec }], site }) => !spec.part || site !== undefined)
}

/** Until it is gone, or no host is left to try. */
async function bringAway(walk: DrainWalk, next: Next): Promise<void> {
  const { daemon, signal } = walk
  const { name } = next.load
  const tried = new Map<string, string>()
  const until = daemon.env.monotonicMs() + busyPatienceMs
  for (;;) {
    signal.throwIfAborted()
    const drain = await readDrain(walk)
    if (!drain || (await isOver(walk, drain))) return
    const load = (await loadsThere(walk)).find((each) => each.name === name)
    if (!load) return
    // Its own of before this daemon, or somebody else's.
    const move = (await readAll<MoveRecord>(daemon.store, keys.moves)).find((each) => each.value.name === name)
    const to = move || tried.size >= mostTries ? undefined : await bestFor(daemon, load, tried)
    if (move) await followMove(walk, move.value, next.count)
    else if (to === undefined) return leaveIt(walk, load, (await bindingOf(daemon, load)) ?? whyOf(tried))
    else {
      const failed = await moveTo(walk, { ...next, load, drain, to, until })
      if (failed?.final) return leaveIt(walk, load, failed.why)
      if (failed) tried.set(to, failed.why)
    }
  }
}

async function bestFor(
  daemon: Daemon,
  load: Load<GuestRecord>,
  tried: ReadonlyMap<string, string>,
): Promise<string | undefined> {
  const [{ host, spec }] = load.guests
  const [hosts, ask] = await Promise.all([readPlacementHosts(daemon), askOf(daemon, load)])
  const others = place(hosts, ask)
    .candidates.map((each) => each.host)
    .filter((each) => each !== host && !tried.has(each))
  const barred = (await portsOf(daemon, others))(spec)
  return others.find((each) => barred[each] === undefined)
}

const whyOf = (tried: ReadonlyMap<string, string>): string =>
  tried.size === 0 ? 'no host can take it any more' : [...tried.values()].join('; ')

interface Moving extends Next {
  readonly drain: DrainRecord
  readonly to: string
  /** So long it is waited for who else works on the guest. */
  readonly until: number
}
interface Failed {
  readonly why: string
  /** No other host is tried. */
  readonly final?: true
}

const nextBest = [
  'NO_ROOM',
  'HOST_UNREACHABLE',
  'HOST_TOO_OLD',
  'EXISTS',
  'POOL_FULL',
  'REFUSED',
  'LIMIT_REACHED',
  'NOT_FOUND',
  'HOST_TOO_OLD',
] as const

async function moveTo(walk: DrainWalk, { drain, load, to, until, count }: Moving): Promise<Failed | undefined> {
  const { daemon, host } = walk
  const caller: Caller = { name: drain.by, role: 'operator' }
  const id = daemon.env.id()
  const { name, guests, site } = load
  const asked = { to, id, rate: drain.rate }
  const decide = () =>
    site === undefined
      ? newMove(daemon, caller, { ...asked, guest: name })
      : newSiteMove(daemon, caller, { ...asked, site })
  const { failpoint } = getFarm(daemon).parts
  failpoint('drain.move.before')
  try {
    const operation = await commit(daemon, caller, { reason: `drain of ${host}` }, decide)
    const ended = operation && (await followMove(walk, { id, name, to, number: guests[0].number }, count, operation))
    if (ended?.state !== 'failed' && ended?.state !== 'cancelled') return undefined
    return {
      why: ended.error?.message ?? `its move to ${to} failed`,
      ...(ended.state === 'cancelled' ? { final: true } : {}),
    }
  } catch (thrown) {
    const { code, message } = toCroftError(thrown)
    if (code === 'GUEST_NOT_FOUND') return undefined
    if (nextBest.some((each) => each === code)) return { why: message }
    const waits = code === 'BUSY' || code === 'CHANGED_MEANWHILE'
    if (!waits) throw thrown
    if (daemon.env.monotonicMs() > until) return { why: message, final: true }
    await pause(daemon.env, lookEveryMs)
    return undefined
  }
}

type Followed = Pick<MoveRecord, 'id' | 'name' | 'to' | 'number'>

/** To its end, with its words; given up when the emptying is. */
async function followMove(
  walk: DrainWalk,
  { id, name, to, number }: Followed,
  count: string,
  begun?: Operation,
): Promise<Operation | undefined> {
  const { daemon, signal } = walk
  const { operations, store } = daemon
  const drain = await readDrain(walk)
  const goal = drainGoal(drain?.id ?? '')
  operations.note(goal, `${count}: ${name} goes to ${to}`)
  for (;;) {
    signal.throwIfAborted()
    if (await isOver(walk, await readDrain(walk))) getFarm(daemon).loop.between.moves.cancel(id)
    if (begun) {
      const now = await operations.wait(begun.id, lookEveryMs)
      if (now.state === 'done') operations.note(goal, now.log.at(-1)?.replace(/^start: /, '') ?? `${name} is on ${to}`)
      if (now.state !== 'running') return now
      operations.progress(goal, `${count}: ${name} to ${to}: ${now.progress?.label ?? 'begins'}`)
    } else {
      if (!(await read(store, keys.move(number)))) return undefined
      await pause(daemon.env, lookEveryMs)
    }
  }
}

async function leaveIt({ daemon, host }: DrainWalk, { name, guests }: Load<GuestRecord>, why: string): Promise<void> {
  await changeDrain(daemon.store, host, (now) => {
    daemon.operations.note(drainGoal(now.id), `${name} stays: ${why}`)
    return { ...now, left: [...now.left, ...guests.map((guest) => ({ number: guest.number, name: guest.name, why }))] }
  })
}
