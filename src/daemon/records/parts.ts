/** Guests that the loops of the farm make, change and remove: people use the verbs of sites and builds. */
import { CroftError } from '../../api/errors.ts'
import type { GuestSpec } from '../../api/guest.ts'
import type { Operation } from '../../api/resources.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import type { Caller } from '../http/access.ts'
import { commit } from './change.ts'
import { changeSpec, guestChange } from './guest-spec.ts'
import { getLivingGuest } from './guests.ts'
import { commitNewGuest, type GuestPlan, newGuestChange } from './new-guest.ts'
import type { GuestRecord, Held } from './records.ts'

/** `plan` is asked again when what it read changed meanwhile; so it may read. */
export async function createPart(
  daemon: Daemon,
  caller: Caller,
  plan: () => Promise<GuestPlan>,
): Promise<{ readonly record: GuestRecord; readonly operation: Operation | null }> {
  const ids = { id: daemon.env.uuid(), root: daemon.env.uuid() }
  let made: GuestRecord | undefined
  const operation = await commitNewGuest(daemon, caller, {}, async () => {
    const { change, record } = await newGuestChange(daemon, await plan(), ids)
    made = record
    return change
  })
  const record = made as GuestRecord
  getFarm(daemon).loop.nudge(record.number)
  return { record, operation }
}

/** Null when it is gone, or on its way. */
export async function removePart(daemon: Daemon, caller: Caller, name: string): Promise<Operation | null> {
  let number: number | undefined
  const operation = await commit(daemon, caller, {}, async () => {
    const record = await getPart(daemon, name)
    number = record.value.number
    const next: GuestRecord = { ...record.value, generation: record.value.generation + 1, deleting: true }
    return guestChange(record, next, 'rm', null)
  }).catch((thrown) => {
    if (thrown instanceof CroftError && (thrown.code === 'GUEST_NOT_FOUND' || thrown.code === 'BUSY')) return null
    throw thrown
  })
  if (number !== undefined) getFarm(daemon).loop.nudge(number)
  return operation
}

export async function runPart(
  daemon: Daemon,
  caller: Caller,
  { name, run }: { readonly name: string; readonly run: 'running' | 'stopped' },
): Promise<Operation | null> {
  const to = (spec: GuestSpec): GuestSpec => ({ ...spec, run, stop: 'graceful' })
  const verb = run === 'running' ? 'start' : 'stop'
  await getPart(daemon, name)
  return (await changeSpec(daemon, { name, verb, query: {}, caller, ofLoop: true }, to)).operation
}

/** Nothing of a user's is changed by a loop, whatever it is called. */
async function getPart(daemon: Daemon, name: string): Promise<Held<GuestRecord>> {
  const record = await getLivingGuest(daemon, name)
  if (record.value.spec.part) return record
  throw new CroftError('REFUSED', `${name} is a guest of its own`, { hint: `croft show ${name}` })
}
