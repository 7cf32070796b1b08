/** What a pass found and did, told: to the guest's status, to the loop, and to the passes after it. */
import { CroftError, type ErrorCode, isCode } from '../../api/errors.ts'
import type { GuestState, GuestStatus } from '../../api/guest.ts'
import type { HaveGuest, Step } from '../../plan/guest.ts'
import { type Attempts, afterFailure, mayTry, mostFailures, noFailures } from '../../plan/retry.ts'
import { timestamp } from '../env.ts'
import { removeSnapshotRecord, writeGuestStatus } from '../records/host-writes.ts'
import type { HostParts } from './parts.ts'
import type { Wishes } from './wishes.ts'

/** What the loop remembers of a guest between passes; lost with the daemon, and nothing is wrong then. */
export interface GuestMemory {
  attempts: Attempts
  askedToStopAt: number | undefined
  askedAgainAt: number | undefined
  startedAt: number | undefined
  phase: GuestState | undefined
}

export const freshMemory = (): GuestMemory => ({
  attempts: noFailures(0),
  askedToStopAt: undefined,
  askedAgainAt: undefined,
  startedAt: undefined,
  phase: undefined,
})

export type PassEnd =
  | { readonly end: 'gone' }
  | { readonly end: 'met'; readonly state: GuestState }
  | { readonly end: 'waiting'; readonly forMs: number; readonly for?: 'template' }
  | { readonly end: 'failed'; readonly error: CroftError; readonly retryInMs: number | undefined }

/** An init that lives shorter did not start. */
export const stableAfterMs = 2000

/** A guest that should run, was started by us and is not there any more: too soon counts as a failed start. */
export function noticeDeath(parts: HostParts, wishes: Wishes, have: HaveGuest, memory: GuestMemory, now: number): void {
  if (memory.startedAt === undefined || have.state !== 'stopped') return
  const livedMs = now - memory.startedAt
  memory.startedAt = undefined
  if (livedMs >= stableAfterMs) memory.attempts = noFailures(memory.attempts.generation)
  const wanted = wishes.guest.value.spec.run !== 'stopped' && wishes.guest.value.deleting !== true
  if (!wanted || memory.askedToStopAt !== undefined || livedMs >= stableAfterMs) return
  memory.attempts = afterFailure(memory.attempts, now)
  memory.attempts.reason = `its init ended ${Math.round(livedMs)} ms after the start`
  parts.log.warn({ guest: wishes.guest.value.name, reason: memory.attempts.reason }, 'guest died at once')
}

/** What is told of a guest that ended between its start and the steps after it; and it counts as one failure, not two. */
export async function realReason(
  parts: HostParts,
  number: number,
  memory: GuestMemory,
  error: CroftError,
): Promise<CroftError> {
  if (memory.startedAt === undefined) return error
  const seen = await parts.runtime.observe(number).catch(() => undefined)
  memory.startedAt = undefined
  // `starting`: its monitor is still there, its init is not.
  if (seen === undefined || seen.state === 'running' || seen.state === 'frozen') return error
  return new CroftError('START_FAILED', 'its init ended at once', { cause: error })
}

/** A snapshot that was asked to go and is gone from the disk leaves the records too. */
export async function finishSnapshots(parts: HostParts, wishes: Wishes): Promise<void> {
  for (const { record } of wishes.snapshots) {
    if (record.value.deleting) await removeSnapshotRecord(parts, record.key, record.value.id)
  }
}

export async function report(
  parts: HostParts,
  wishes: Wishes,
  steps: readonly Step[],
  have: HaveGuest,
  memory: GuestMemory,
): Promise<PassEnd> {
  const { spec } = wishes.guest.value
  const last = steps.at(-1)
  if (last?.do === 'wait') {
    memory.phase = 'stopping'
    return { end: 'waiting', forMs: last.forMs }
  }
  const state: GuestState = spec.run === 'running' ? 'running' : spec.run === 'frozen' ? 'frozen' : 'stopped'
  memory.phase = undefined
  // Failures count in a row: a guest that lives, and lives long enough, has ended the row.
  if (memory.startedAt === undefined || parts.env.monotonicMs() - memory.startedAt >= stableAfterMs)
    memory.attempts = noFailures(memory.attempts.generation)
  if (state !== 'stopped' || have.state === 'stopped') memory.askedToStopAt = undefined
  const started = steps.some((step) => step.do === 'start')
  await write(parts, wishes, {
    state,
    generation: wishes.guest.value.generation,
    since: timestamp(parts.env),
    rootId: spec.root.id,
    restarts: spec.restarts,
    ...seedNow(wishes, steps),
    ...(state === 'stopped'
      ? {}
      : { startedAt: started ? timestamp(parts.env) : (wishes.status?.startedAt ?? timestamp(parts.env)) }),
    ...(state !== 'stopped' && (started ? isUnasked(wishes) : wishes.status?.revived)
      ? { revived: true as const }
      : {}),
  })
  return { end: 'met', state }
}

/** A guest that was made stopped gets its seed when it is to start. */
function seedNow({ guest, status }: Wishes, steps: readonly Step[]): Pick<GuestStatus, 'seed'> {
  const { seed, root, run } = guest.value.spec
  if (seed === undefined) return {}
  const had = status?.seed === seed && status.rootId === root.id
  return had || run !== 'stopped' || steps.some((step) => step.do === 'plant') ? { seed } : {}
}

/** What lived by the same wish and is started now had ended without being asked to. */
function isUnasked({ guest, status }: Wishes): boolean {
  const lived = status?.state === 'running' || status?.state === 'frozen'
  return lived && status.generation === guest.value.generation && status.restarts === guest.value.spec.restarts
}

export async function waiting(
  parts: HostParts,
  wishes: Wishes,
  memory: GuestMemory,
  waitMs: number | 'given-up',
  standing?: GuestState,
): Promise<PassEnd> {
  memory.phase = undefined
  const { failures, reason = 'it failed' } = memory.attempts
  const givenUp = waitMs === 'given-up'
  const error =
    failures >= mostFailures
      ? new CroftError('GAVE_UP', `${wishes.guest.value.name} failed ${failures} times in a row: ${reason}`, {
          hint: `croft logs ${wishes.guest.value.name} --console`,
        })
      : new CroftError('START_FAILED', reason, { hint: `croft show ${wishes.guest.value.name}` })
  await write(parts, wishes, {
    state: standing ?? (givenUp ? 'failed' : 'waits'),
    generation: wishes.guest.value.generation,
    since: timestamp(parts.env),
    reason: error.message,
    failures,
    // Of what is away nothing was begun.
    restarts: standing === undefined ? wishes.guest.value.spec.restarts : (wishes.status?.restarts ?? 0),
    ...(wishes.status?.rootId === undefined ? {} : { rootId: wishes.status.rootId }),
    ...(wishes.status?.seed === undefined ? {} : { seed: wishes.status.seed }),
  })
  return { end: 'failed', error, retryInMs: givenUp ? undefined : (waitMs as number) }
}

const whileAway: Partial<Record<ErrorCode, GuestState>> = { DATA_LOST: 'failed', POOL_MISSING: 'waits' }

export async function fail(parts: HostParts, wishes: Wishes, memory: GuestMemory, error: CroftError): Promise<PassEnd> {
  if (isCode(error, 'STORE_CLOSED')) return { end: 'failed', error, retryInMs: 1000 }
  const now = parts.env.monotonicMs()
  // Looking again at what is lost or away costs nothing and harms nothing: it may be back.
  const standing = whileAway[error.code]
  if (standing === undefined) memory.attempts = afterFailure(memory.attempts, now)
  memory.attempts = { ...memory.attempts, reason: error.message }
  if (standing !== 'waits')
    parts.log.warn(
      { guest: wishes.guest.value.name, code: error.code, failures: memory.attempts.failures },
      error.message,
    )
  const waitMs = standing === undefined ? mayTry(memory.attempts, now) : 'given-up'
  await waiting(parts, wishes, memory, waitMs === 0 ? 1000 : waitMs, standing).catch((cause) =>
    parts.log.error({ cause: String(cause) }, 'status not written'),
  )
  return { end: 'failed', error, retryInMs: waitMs === 'given-up' ? undefined : waitMs }
}

/** Status is written when it changes; times alone are no change. */
async function write(parts: HostParts, wishes: Wishes, found: GuestStatus): Promise<void> {
  const held = wishes.status?.held === found.generation ? { held: found.generation } : {}
  const status = { ...found, ...held, at: found.since, name: wishes.guest.value.name }
  const same = (a: GuestStatus | undefined, b: GuestStatus) =>
    JSON.stringify({ ...a, since: '', at: '' }) === JSON.stringify({ ...b, since: '', at: '' })
  if (same(wishes.status, status)) return
  const keepSince = wishes.status?.state === status.state ? wishes.status.since : status.since
  await writeGuestStatus(parts, wishes.guest.value.number, { ...status, since: keepSince })
}
