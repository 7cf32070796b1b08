/** The walk of a move on the host that the guest leaves: each round looks at both sides, and does the next step. */
import { CroftError, isCode, toCroftError } from '../../api/errors.ts'
import type { GuestStatus } from '../../api/guest.ts'
import type { Ref } from '../../drivers/storage/driver.ts'
import { describeSent, type MoveStep, type MoveView, planMove } from '../../plan/move.ts'
import { pause } from '../env.ts'
import type { HostLoop } from '../host/loop.ts'
import type { HostParts } from '../host/parts.ts'
import { keys } from '../records/keys.ts'
import { giveUp, type MoveRecord, moveGoal, quiet, switchHost, writeMove, writeSnapshots } from '../records/moves.ts'
import { type GuestRecord, type Held, read } from '../records/records.ts'
import { hasNetwork } from '../vlans/vlans.ts'
import { clearSource, clearTarget } from './clear.ts'
import { landThere, lookThere, sendDisk } from './send.ts'
import { withReplicas } from './snapshots.ts'
import { isTemplateComing } from './template-comes.ts'

const lookEveryMs = 30
/** A stop takes 30 s at most, then it is a kill. */
const quietPatienceMs = 90_000
const startPatienceMs = 60_000

export interface Walk {
  readonly parts: HostParts
  readonly loop: Pick<HostLoop, 'look' | 'gate'>
  /** Of the move: somebody wants it no more, or the daemon ends. */
  readonly signal: AbortSignal
  /** When the guest was asked to stop; lost with the daemon, and then nobody knows how long it was down. */
  downSince?: number
  awaitsSince?: number
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
  try {
    signal.throwIfAborted()
    const guest = await getOwn(walk, move.value)
    const step = planMove(await view(walk, move.value, guest.value))
    parts.failpoint(`move.${step.do}.before`)
    await (handlers[step.do] as Handler)(walk, { move, guest }, step)
    parts.failpoint(`move.${step.do}.after`)
  } catch (thrown) {
    if (isCode(thrown, 'CHANGED_MEANWHILE')) return
    const error = toCroftError(signal.aborted ? signal.reason : thrown)
    // The daemon ends, cannot write it down, or has only begun and cannot speak with others yet: it is gone on with.
    if (isCode(error, 'STORE_CLOSED') || isCode(error, 'NOT_INITIALISED')) throw error
    parts.log.warn({ guest: move.value.name, to: move.value.to, error: error.message }, 'a move is given up')
    await giveUp(parts, move, error)
    parts.failpoint('move.giveUp.after')
  }
}

async function getOwn({ parts }: Walk, { from, number, to }: MoveRecord): Promise<Held<GuestRecord>> {
  const guest = await read<GuestRecord>(parts.store, keys.guest(from, number))
  if (guest?.value.moving?.to === to && !guest.value.deleting) return guest
  throw new CroftError('CANCELLED', 'it was removed meanwhile')
}

async function view(walk: Walk, move: MoveRecord, guest: GuestRecord): Promise<MoveView> {
  const { parts } = walk
  const { number, spec } = guest
  const storage = parts.storage(spec.pool)
  const [there, here, seen] = await Promise.all([
    lookThere(parts, move),
    storage.holdings(number),
    parts.runtime.observe(number),
  ])
  const { from } = spec.root
  const common = from.kind === 'template' && there.template && (await storage.exists({ kind: 'template', id: from.id }))
  return {
    phase: move.phase as MoveView['phase'],
    ...{ id: move.id, passes: move.passes, here: here.snapshots, there: there.snapshots },
    template: common ? from.id : undefined,
    snapshots: await withReplicas(parts.store, move, here.snapshots),
    live: seen !== undefined && seen.state !== 'stopped',
    landed: there.roots.includes(spec.root.id),
    templateComes: !there.template && (await isTemplateComing(walk, guest)),
  }
}

interface Both {
  readonly move: Held<MoveRecord>
  readonly guest: Held<GuestRecord>
}
type Handler = (walk: Walk, both: Both, step: MoveStep) => Promise<void>
type Handlers = { [K in MoveStep['do']]: (walk: Walk, both: Both, step: Extract<MoveStep, { do: K }>) => Promise<void> }

const handlers: Handlers = {
  await: ({ parts }) => pause(parts.env, 10 * lookEveryMs),

  async take(walk, { move, guest: { value } }, { id }) {
    const { parts } = walk
    const { number, spec } = value
    if (move.value.phase === 'quiet') await untilDown(walk, value)
    const root: Ref = { kind: 'root', number, id: spec.root.id }
    await parts.storage(spec.pool).clone(root, { kind: 'snapshot', number, id }, { readOnly: true })
  },

  async send(walk, { move, guest }, step) {
    const { parts, signal } = walk
    const { number, spec } = guest.value
    const parent: Ref | undefined =
      step.parent &&
      (step.parent.kind === 'template'
        ? { ...step.parent, kind: 'template' }
        : { ...step.parent, kind: 'snapshot', number })
    const began = parts.env.monotonicMs()
    const disk: Ref = { kind: 'snapshot', number, id: step.id }
    const { id, to, rate } = move.value
    const way = { to, rate, path: `/v1/peers/moves/${number}/disks/${step.id}`, goal: moveGoal(id) }
    const bytes = await sendDisk(parts, way, { pool: spec.pool, disk, parent, signal })
    const ms = parts.env.monotonicMs() - began
    const { passes } = move.value
    note(walk, move.value, describeSent(step, passes.length, bytes, ms))
    if (step.as === 'pass') await writeMove(parts.store, move, { passes: [...passes, { id: step.id, bytes }] })
  },

  /** It stays down from now on, whatever happens to this daemon, the store or the host, until the record says otherwise. */
  async quiet(walk, { move, guest }) {
    const { parts } = walk
    walk.downSince = parts.env.monotonicMs()
    await quiet(parts, move, guest)
  },

  async land(walk, { move }, { id }) {
    await landThere(walk.parts, move.value, id)
    await writeSnapshots(walk.parts.store, move.value)
  },

  async switch({ parts, loop }, { move, guest }) {
    // From now on this host answers for nothing of it: the other one asks whether somebody does.
    if (hasNetwork(guest.value)) await loop.gate.close(guest.value.number)
    await switchHost(parts, move, guest)
  },
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

/** The guest is the other's. Its start is waited for, for who asked; then what is left of it here goes. */
async function arrive(walk: Walk, move: Held<MoveRecord>): Promise<void> {
  const { parts } = walk
  const { id, name, to, number } = move.value
  const upTo = parts.operations.mark()
  const status = await started(walk, move.value)
  const downMs = walk.downSince === undefined ? undefined : parts.env.monotonicMs() - walk.downSince
  if (status?.state === 'running') {
    const down = downMs === undefined ? '' : `: down ${(downMs / 1000).toFixed(1)} s`
    note(walk, move.value, `start: ${name} on ${to}${down}, same address`)
  }
  const failed =
    status?.reason === undefined ? undefined : `${name} is on ${to} now, and did not start there: ${status.reason}`
  parts.operations.settle(
    moveGoal(id),
    upTo,
    failed === undefined
      ? { end: 'met' }
      : { end: 'failed', error: new CroftError('START_FAILED', failed, { hint: `croft logs ${name} --console` }) },
  )
  parts.failpoint('move.clear.before')
  await clearSource(walk, move, number)
  parts.failpoint('move.clear.after')
}

/** Undefined when nothing was heard for long: what is here is given up all the same, the other has it whole. */
async function started({ parts }: Walk, { to, number }: MoveRecord): Promise<GuestStatus | undefined> {
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
  const { id, number, error } = move.value
  await loop.look(number)
  const why = error ?? { code: 'CANCELLED', message: 'it was cancelled' }
  const told = `${why.message}; ${move.value.name} stays on ${move.value.from}`
  parts.operations.settle(moveGoal(id), upTo, {
    end: 'failed',
    error: new CroftError(why.code, told, why.hint === undefined ? {} : { hint: why.hint }),
  })
  await clearSource(walk, move, number)
}

const note = ({ parts }: Walk, { id }: MoveRecord, line: string): void => parts.operations.note(moveGoal(id), line)
