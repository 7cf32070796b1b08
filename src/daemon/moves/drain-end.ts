/** The end of an emptying: what leaves by itself is waited for, then it is told who is gone and who is not. */
import { CroftError } from '../../api/errors.ts'
import { getFarm } from '../daemon.ts'
import { pause } from '../env.ts'
import { leavingWith } from '../placing/leaving.ts'
import type { RolloutRecord } from '../records/app-records.ts'
import { changeDrain, type DrainRecord, drainGoal } from '../records/drains.ts'
import { keys } from '../records/keys.ts'
import type { MoveRecord } from '../records/moves.ts'
import { type GuestRecord, read, readAll } from '../records/records.ts'
import { bindingOf } from './drain-sight.ts'
import { type DrainWalk, isOver, readDrain } from './drain-walk.ts'

const lookEveryMs = 1000
/** Sites begin their instances elsewhere one after another. */
const leavePatienceMs = 900_000
/** What is left of the last moves is cleared up. */
const clearPatienceMs = 60_000

export async function endDrain(walk: DrainWalk): Promise<void> {
  const { daemon, host } = walk
  const { operations, store } = daemon
  const upTo = operations.mark()
  await until(walk, isCleared)
  const whys = await untilInstancesLeft(walk)
  await until(walk, isSwept)
  const drain = await readDrain(walk)
  if (!drain) return
  const over = await isOver(walk, drain)
  const error = over ? await cancelled(walk, drain) : await failure(walk, drain, whys)
  getFarm(daemon).parts.failpoint('drain.end.before')
  if (!error) operations.note(drainGoal(drain.id), await summary(walk, drain))
  operations.settle(drainGoal(drain.id), upTo, error ? { end: 'failed', error } : { end: 'met' })
  getFarm(daemon).parts.failpoint('drain.end.after')
  await changeDrain(store, host, () => undefined)
}

/** No move from here is still to be cleared up. */
async function isCleared({ daemon, host }: DrainWalk): Promise<boolean> {
  const moves = await readAll<MoveRecord>(daemon.store, keys.moves)
  return moves.every(({ value }) => value.from !== host)
}

/** Nobody is on the way out: who hears that the host is empty may let it leave. */
async function isSwept({ daemon, host }: DrainWalk): Promise<boolean> {
  const guests = await readAll<GuestRecord>(daemon.store, keys.guests(host))
  return guests.every(({ value }) => !value.deleting)
}

async function until(walk: DrainWalk, isSo: (walk: DrainWalk) => Promise<boolean>): Promise<void> {
  const { env } = walk.daemon
  const end = env.monotonicMs() + clearPatienceMs
  while (env.monotonicMs() < end && !(await isSo(walk))) {
    walk.signal.throwIfAborted()
    await pause(env, lookEveryMs)
  }
}

/** Why each of them is still there, when they do not go. */
async function untilInstancesLeft(walk: DrainWalk): Promise<ReadonlyMap<string, string>> {
  const { daemon, host, signal } = walk
  const { env } = daemon
  const whys = new Map<string, string>()
  const until = env.monotonicMs() + leavePatienceMs
  let told = ''
  for (;;) {
    signal.throwIfAborted()
    const drain = await readDrain(walk)
    if (!drain || (await isOver(walk, drain))) return whys
    const going = (await instancesOf(walk)).filter(({ name }) => !whys.has(name))
    for (const guest of going) {
      const why = await whyNotGoing(walk, guest, drain)
      if (why !== undefined) whys.set(guest.name, why)
      else if (env.monotonicMs() > until) whys.set(guest.name, 'no other instance has taken its place yet')
    }
    const waits = going.map(({ name }) => name).filter((name) => !whys.has(name))
    if (waits.length === 0) return whys
    const line = `waits until others serve instead of ${waits.slice(0, 5).join(', ')}`
    if (line !== told) daemon.operations.note(drainGoal(drain.id), line)
    told = line
    await pause(env, lookEveryMs)
  }

  async function instancesOf({ daemon: { store } }: DrainWalk): Promise<GuestRecord[]> {
    const { leaving } = await leavingWith({ store }, host)
    const guests = await readAll<GuestRecord>(store, keys.guests(host))
    return guests.map(({ value }) => value).filter(({ name, spec }) => leaving.includes(name) && spec.part)
  }
}

async function whyNotGoing({ daemon }: DrainWalk, guest: GuestRecord, { created }: DrainRecord) {
  const { part } = guest.spec
  const bound = await bindingOf(daemon, { name: guest.name, guests: [guest] })
  if (bound !== undefined || part?.kind !== 'instance') return bound
  const last = (await read<RolloutRecord>(daemon.store, keys.rollout(part.site)))?.value
  const failed = last?.repair && last.state === 'failed' && last.created > created
  return failed ? `its site could not be begun elsewhere: ${last.reason ?? 'croft site show tells'}` : undefined
}

/** Those that are there, without those of whom it was known. */
async function stillThere({ daemon, host }: DrainWalk, { stays }: DrainRecord): Promise<readonly GuestRecord[]> {
  const guests = (await readAll<GuestRecord>(daemon.store, keys.guests(host))).map(({ value }) => value)
  return guests.filter(
    ({ number, deleting, spec }) => !deleting && spec.part?.kind !== 'build' && !stays.includes(number),
  )
}

const toldGuests = 10

async function failure(
  walk: DrainWalk,
  drain: DrainRecord,
  whys: ReadonlyMap<string, string>,
): Promise<CroftError | undefined> {
  const there = await stillThere(walk, drain)
  if (there.length === 0) return undefined
  const lines = there.slice(0, toldGuests).map(({ name, number }) => {
    const why = drain.left.find((one) => one.number === number)?.why ?? whys.get(name)
    return `${name}: ${why ?? 'it came meanwhile'}`
  })
  const rest = there.length > lines.length ? [`and ${there.length - lines.length} more`] : []
  const isPart = there.length < drain.total
  return new CroftError(
    isPart ? 'PARTLY_FAILED' : 'FAILED',
    [`${there.length} ${guests(there.length)} still on ${walk.host}`, ...lines, ...rest].join('\n'),
    { hint: `croft host drain ${walk.host} --move` },
  )
}

async function cancelled(walk: DrainWalk, drain: DrainRecord): Promise<CroftError> {
  const there = (await stillThere(walk, drain)).length
  const stop = drain.cancel
    ? `it was cancelled; ${walk.host} takes no new guests all the same`
    : `${walk.host} takes guests again`
  return new CroftError('CANCELLED', `${stop}, and ${there} ${guests(there)} still there`, {
    hint: drain.cancel ? `croft host undrain ${walk.host}` : 'croft ls',
  })
}

const guests = (count: number): string => (count === 1 ? 'guest is' : 'guests are')

async function summary({ daemon, host }: DrainWalk, { total, stays }: DrainRecord): Promise<string> {
  const moved = `${total} ${total === 1 ? 'guest was' : 'guests were'} moved`
  if (stays.length === 0) return `${host} is empty: ${moved}`
  const there = (await readAll<GuestRecord>(daemon.store, keys.guests(host))).map(({ value }) => value.name)
  return `${moved}, ${there.length} ${there.length === 1 ? 'stays' : 'stay'}: ${there.slice(0, toldGuests).join(', ')}`
}
