/** The way of every change to one guest's spec, and how a change is told before it is made. */
import type { GuestSpec } from '../../api/guest.ts'
import type { PlannedStep } from '../../api/resources.ts'
import type { WriteQuery } from '../../api/schemas.ts'
import { describeStep } from '../../plan/guest.ts'
import type { Compare } from '../../store/store.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import { planForGuest } from '../host/guest-pass.ts'
import type { Caller } from '../http/access.ts'
import { moveAddresses } from './addresses.ts'
import { accepted, assertRevision, type Change, commit } from './change.ts'
import { getGuestToChange, getLivingGuest, viewGuest } from './guests.ts'
import { keys } from './keys.ts'
import { assertFew, movePorts } from './ports.ts'
import { reserveChange } from './promises.ts'
import { type GuestRecord, type Held, type NameRecord, read } from './records.ts'

export interface Writing {
  readonly query: WriteQuery
  readonly caller: Caller
}

export interface SpecWriting extends Writing {
  readonly name: string
  readonly verb: string
  /** Counts as a change even when the spec stays: a start after five failures tries again. */
  readonly again?: boolean
  /** A loop of the farm changes what it made. */
  readonly ofLoop?: boolean
  /** What else must still be so when it is written. */
  readonly compare?: readonly Compare[]
}

/** The way of every change to one guest's spec. `to` is pure and may throw. */
export async function changeSpec(
  daemon: Daemon,
  { name, verb, query, caller, again, ofLoop, compare = [] }: SpecWriting,
  to: (spec: GuestSpec) => GuestSpec | Promise<GuestSpec>,
) {
  const get = () => (ofLoop ? getLivingGuest(daemon, name) : getGuestToChange(daemon, name, verb))
  if (query.dryRun) {
    const record = await get()
    const spec = await to(record.value.spec)
    await moves(daemon, record.value, spec)
    const next = { ...record.value, spec, generation: record.value.generation + 1 }
    const steps = [...specSteps(name, record.value.spec, spec), ...(await planSteps(daemon, next))]
    return { operation: null, result: { ...record.value, spec }, steps }
  }
  let changed = true
  const operation = await commit(daemon, caller, query, async (): Promise<Change> => {
    const record = await get()
    assertRevision(query, record.revision, name)
    const spec = await to(record.value.spec)
    changed = again === true || JSON.stringify(spec) !== JSON.stringify(record.value.spec)
    const next: GuestRecord = { ...record.value, generation: record.value.generation + (changed ? 1 : 0), spec }
    const moved = await moves(daemon, record.value, spec)
    const change = guestChange(record, next, verb, record.value.spec, spec)
    return {
      ...change,
      compare: [...change.compare, ...moved.compare, ...compare],
      writes: changed ? [...change.writes, ...moved.writes] : [],
    }
  })
  await nudgeByName(daemon, name)
  return accepted(daemon, query, operation, () => viewGuest(daemon, name))
}

/** What the next spec reserves, and no longer does. */
async function moves(daemon: Daemon, guest: GuestRecord, next: GuestSpec) {
  assertFew(guest.spec, next)
  const ports = await movePorts(daemon, guest, guest.spec.ports, next.ports)
  const addresses = await moveAddresses(daemon, guest, guest.spec.addresses, next.addresses)
  const room = await reserveChange(getFarm(daemon).parts, guest, next)
  return {
    compare: [...ports.compare, ...addresses.compare, ...room.compare],
    writes: [...ports.writes, ...addresses.writes, ...room.writes],
  }
}

/** What its host would do about the record as it would be then. */
export async function planSteps(daemon: Daemon, next: GuestRecord): Promise<PlannedStep[]> {
  const { parts, loop } = getFarm(daemon)
  return dryRun(next.name, await planForGuest(parts, loop, next.number, next))
}

/** Nothing but its steps shows what these lead to. */
const toldBySteps: ReadonlySet<string> = new Set(['run', 'stop', 'restarts', 'root'])

function specSteps(name: string, before: GuestSpec, after: GuestSpec): PlannedStep[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])] as (keyof GuestSpec)[]
  const changed = keys.filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
  return changed
    .filter((key) => !toldBySteps.has(key))
    .map((key) => ({
      what: name,
      step: key,
      detail: `${JSON.stringify(before[key]) ?? 'none'} → ${JSON.stringify(after[key]) ?? 'none'}`,
    }))
}

export function guestChange(
  record: Held<GuestRecord>,
  next: GuestRecord,
  verb: string,
  before: unknown,
  after: unknown = null,
): Change {
  return {
    kind: 'guest',
    name: record.value.name,
    verb,
    before,
    after,
    compare: [{ key: record.key, revision: record.revision }],
    writes: [{ put: record.key, value: next }],
    goal: { kind: 'guest', number: record.value.number },
    host: record.value.host,
  }
}

export async function nudgeByName(daemon: Daemon, name: string): Promise<void> {
  const reserved = await read<NameRecord>(daemon.store, keys.name(name))
  if (reserved) getFarm(daemon).loop.nudge(reserved.value.number)
}

export function dryRun(what: string, steps: Parameters<typeof describeStep>[0][]): PlannedStep[] {
  return steps.map((step) => ({ what, step: step.do, detail: describeStep(step) }))
}
