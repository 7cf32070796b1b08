/** The walk of a move on the host that the guest leaves: each round looks at both sides, and does the next step. */
import { CroftError, isCode, toCroftError } from '../../api/errors.ts'
import type { GuestStatus } from '../../api/guest.ts'
import type { Ref } from '../../drivers/storage/driver.ts'
import { describeSent, type MoveStep, planMove } from '../../plan/move.ts'
import { pause } from '../env.ts'
import type { HostLoop } from '../host/loop.ts'
import type { HostParts } from '../host/parts.ts'
import { keys } from '../records/keys.ts'
import { switchHost } from '../records/move-switch.ts'
import { giveUp, goersOf, type MoveRecord, moveGoal, quiet, writeMove } from '../records/moves.ts'
import { type GuestRecord, type Held, read } from '../records/records.ts'
import { hasNetwork } from '../vlans/vlans.ts'
import { mostSince, sizeOfVolume } from './bounds.ts'
import { type Carried, carriedOf, viewMove } from './carried.ts'
import { clearSource, clearTarget } from './clear.ts'
import { landThere, sendDisk } from './send.ts'
import { bringText } from './template-comes.ts'

const lookEveryMs = 30
/** A stop takes 30 s at most, then it is a kill. */
const quietPatienceMs = 90_000
const startPatienceMs = 60_000
/** At one step, one after another: what is changed each time is no chance. */
const mostChanged = 20

export interface Walk {
  readonly parts: HostParts
  readonly loop: Pick<HostLoop, 'look' | 'gate'>
  /** Of the move: somebody wants it no more, or the daemon ends. */
  readonly signal: AbortSignal
  /** When the guest was asked to stop; lost with the daemon, and then nobody knows how long it was down. */
  downSince?: number
  awaitsSince?: number
  /** How often something was changed meanwhile at this step, since one was done. */
  changed?: { readonly step: MoveStep['do'] | undefined; readonly times: number }
  /** Who asked was told what is waited for. */
  awaitsTold?: boolean
}

/** Returns when nothing is left to do for this host. Throws what the store does not take, or what is not cleared: to be tried again. */
export async function walkMove(walk: Walk, number: number): Promise<void> {
  for (;;) {
    const { store, host } = walk.parts
    const move = await read<MoveRecord>(store, keys.move(number))
    if (move?.value.from !== host.name || move.value.phase === 'cleared') return
    if (move.value.phase === 'switched') await arrive(walk, move)
    else if (move.value.phase === 'cancelled') await withdraw(walk, move)
    else await oneStep(walk, move)
  }
}

/** What the other host did for it goes too, and then the record: told to that one. */
export async function endMove(parts: HostParts, number: number): Promise<void> {
  const move = await read<MoveRecord>(parts.store, keys.move(number))
  if (move?.value.to === parts.host.name && move.value.phase === 'cleared') await clearTarget(parts, move)
}

async function oneStep(walk: Walk, move: Held<MoveRecord>): Promise<void> {
  const { parts, signal } = walk
  let at: MoveStep['do'] | undefined
  try {
    signal.throwIfAborted()
    const guests = await getOwn(walk, move.value)
    const step = planMove(await viewMove(walk, move.value, guests.map(({ value }) => value) as [GuestRecord]))
    at = step.do
    parts.failpoint(`move.${step.do}.before`)
    await (handlers[step.do] as Handler)(walk, { move, guests }, step)
    delete walk.changed
    parts.failpoint(`move.${step.do}.after`)
  } catch (thrown) {
    if (isCode(thrown, 'CHANGED_MEANWHILE') && !signal.aborted && isChance(walk, at))
      return pause(parts.env, lookEveryMs)
    const error = toCroftError(signal.aborted ? signal.reason : thrown)
    // The daemon ends, cannot write it down, or has only begun and cannot speak with others yet: it is gone on with.
    if (isCode(error, 'STORE_CLOSED') || isCode(error, 'NOT_INITIALISED')) throw error
    parts.log.warn({ guest: move.value.name, to: move.value.to, error: error.message }, 'a move is given up')
    await giveUp(parts, move, error)
    parts.failpoint('move.giveUp.after')
  }
}

/** Somebody else wrote: it is looked at anew. */
function isChance(walk: Walk, step: MoveStep['do'] | undefined): boolean {
  const times = walk.changed?.step === step ? (walk.changed?.times ?? 0) + 1 : 1
  walk.changed = { step, times }
  return times < mostChanged
}

/** All that go, the one first whose number the move has. */
async function getOwn({ parts }: Walk, move: MoveRecord): Promise<Guests> {
  const { from, to } = move
  const found: Held<GuestRecord>[] = []
  for (const { number } of goersOf(move)) {
    const guest = await read<GuestRecord>(parts.store, keys.guest(from, number))
    if (guest?.value.moving?.to !== to || guest.value.deleting)
      throw new CroftError('CANCELLED', `${guest?.value.name ?? 'it'} was removed meanwhile`)
    found.push(guest)
  }
  return found as unknown as Guests
}

type Guests = readonly [Held<GuestRecord>, ...Held<GuestRecord>[]]
interface Both {
  readonly move: Held<MoveRecord>
  readonly guests: Guests
}
type Handler = (walk: Walk, both: Both, step: MoveStep) => Promise<void>
type Handlers = { [K in MoveStep['do']]: (walk: Walk, both: Both, step: Extract<MoveStep, { do: K }>) => Promise<void> }

const handlers: Handlers = {
  async await(walk, { move, guests }) {
    const refs = new Set(guests.map(({ value }) => value.spec.template))
    if (!walk.awaitsTold) note(walk, move.value, bringText([...refs], move.value.to))
    walk.awaitsTold = true
    await pause(walk.parts.env, 10 * lookEveryMs)
  },

  async take(walk, { move, guests }, { disk, id }) {
    if (move.value.phase === 'quiet') for (const guest of guests) await untilDown(walk, guest.value)
    const { pool, ref } = getCarried(move, guests, disk)
    await walk.parts.storage(pool).clone(ref, { kind: 'snapshot', number: move.value.number, id }, { readOnly: true })
  },

  async send(walk, { move, guests }, step) {
    const { parts, signal } = walk
    const { pool, volume } = getCarried(move, guests, step.disk)
    const { id, to, rate, number, passes } = move.value
    const parent: Ref | undefined =
      step.parent &&
      (step.parent.kind === 'template'
        ? { ...step.parent, kind: 'template' }
        : { ...step.parent, kind: 'snapshot', number })
    const began = parts.env.monotonicMs()
    const disk: Ref = { kind: 'snapshot', number, id: step.id }
    const way = { to, rate, path: `/v1/peers/moves/${number}/disks/${step.id}`, goal: moveGoal(id) }
    const written = volume
      ? await sizeOfVolume(parts, move.value.from, volume.id)
      : guests[0].value.spec.limits.diskBytes
    const bytes = await sendDisk(parts, way, { pool, disk, parent, mostBytes: mostSince(written), signal })
    const ms = parts.env.monotonicMs() - began
    const line = describeSent(step, bytes, ms)
    note(walk, move.value, volume ? `${volume.name}: ${line}` : line)
    if (step.as === 'copy' || step.as === 'again')
      await writeMove(parts.store, move, { passes: [...passes, { id: step.id, bytes }] })
  },

  /** It stays down from now on, whatever happens to this daemon, the store or the host, until the record says otherwise. */
  async quiet(walk, { move, guests }) {
    const { parts } = walk
    walk.downSince = parts.env.monotonicMs()
    await quiet(parts, move, guests)
  },

  async land({ parts }, { move, guests }, { disk, id }) {
    const { volume } = getCarried(move, guests, disk)
    await landThere(parts, move.value, { disk: id, ...(volume ? { volume: volume.id } : {}) })
  },

  async switch({ parts, loop }, { move, guests }) {
    // From now on this host answers for nothing of it: the other one asks whether somebody does.
    for (const { value } of guests) if (hasNetwork(value)) await loop.gate.close(value.number)
    await switchHost(parts, move, guests)
  },
}

function getCarried(move: Held<MoveRecord>, [first]: Guests, disk: number): Carried {
  const found = carriedOf(move.value, first.value)[disk]
  if (found) return found
  throw new CroftError('INTERNAL', `the move ${move.value.id} carries no disk ${disk}`)
}

/** Also for a daemon that finds it down: what is taken next must be all that it wrote, so nothing may start it again. */
async function untilDown({ parts, loop, signal }: Walk, { number, name }: GuestRecord): Promise<void> {
  const until = parts.env.monotonicMs() + quietPatienceMs
  for (;;) {
    signal.throwIfAborted()
    await loop.look(number)
    const seen = await parts.runtime.observe(number)
    if ((seen === undefined || seen.state === 'stopped') && (await parts.keptQuiet?.(number)) !== false) return
    if (parts.env.monotonicMs() > until)
      throw new CroftError('TIMEOUT', `${name} did not stop in ${quietPatienceMs / 1000} s`)
    await pause(parts.env, lookEveryMs)
  }
}

/** The guests are the other's. Their start is waited for, for who asked; then what is left of them here goes. */
async function arrive(walk: Walk, move: Held<MoveRecord>): Promise<void> {
  const { parts } = walk
  const { id, name, to, data } = move.value
  const upTo = parts.operations.mark()
  const statuses = await Promise.all(goersOf(move.value).map(({ number }) => started(walk, to, number)))
  const downMs = walk.downSince === undefined ? undefined : parts.env.monotonicMs() - walk.downSince
  if (statuses.some((status) => status?.state === 'running')) {
    const down = downMs === undefined ? '' : `: down ${(downMs / 1000).toFixed(1)} s`
    note(walk, move.value, `start: ${name} on ${to}${down}, same ${data?.others.length ? 'addresses' : 'address'}`)
  }
  const reason = statuses.find((status) => status?.reason !== undefined)?.reason
  const failed = reason === undefined ? undefined : `${name} is on ${to} now, and did not start there: ${reason}`
  const hint = data ? `croft site show ${name}` : `croft logs ${name} --console`
  parts.operations.settle(
    moveGoal(id),
    upTo,
    failed === undefined ? { end: 'met' } : { end: 'failed', error: new CroftError('START_FAILED', failed, { hint }) },
  )
  parts.failpoint('move.clear.before')
  await clearSource(walk, move)
  parts.failpoint('move.clear.after')
}

/** Undefined when nothing was heard for long: what is here is given up all the same, the other has it whole. */
async function started({ parts }: Walk, to: string, number: number): Promise<GuestStatus | undefined> {
  const until = parts.env.monotonicMs() + startPatienceMs
  while (parts.env.monotonicMs() < until) {
    const guest = await read<GuestRecord>(parts.store, keys.guest(to, number))
    const status = await read<GuestStatus>(parts.store, keys.guestStatus(to, number))
    if (!guest || !status) return undefined
    const isDown = guest.value.spec.run === 'stopped' || status.value.held === guest.value.generation
    if (isDown || status.value.state !== 'stopped') return status.value
    await pause(parts.env, lookEveryMs)
  }
  return undefined
}

async function withdraw(walk: Walk, move: Held<MoveRecord>): Promise<void> {
  const { parts, loop } = walk
  const upTo = parts.operations.mark()
  const { id, error } = move.value
  for (const { number } of goersOf(move.value)) await loop.look(number)
  const why = error ?? { code: 'CANCELLED', message: 'it was cancelled' }
  const told = `${why.message}; ${move.value.name} stays on ${move.value.from}`
  parts.operations.settle(moveGoal(id), upTo, {
    end: 'failed',
    error: new CroftError(why.code, told, why.hint === undefined ? {} : { hint: why.hint }),
  })
  await clearSource(walk, move)
}

const note = ({ parts }: Walk, { id }: MoveRecord, line: string): void => parts.operations.note(moveGoal(id), line)
