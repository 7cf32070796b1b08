/** The wish for a replica: whether it can be, and what is written for it. */
import type { z } from 'zod'
import { CroftError } from '../../api/errors.ts'
import type { NewReplica } from '../../api/replica.ts'
import type { PlannedStep } from '../../api/resources.ts'
import { roughSize } from '../../plan/amount.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import { timestamp } from '../env.ts'
import type { Caller } from '../http/access.ts'
import { assertMade, assertRoom, getTaking, lookForGuest } from '../moves/able.ts'
import type { Change } from '../records/change.ts'
import { getGuestRecord, getGuestToChange } from '../records/guests.ts'
import { keys } from '../records/keys.ts'
import { type GuestRecord, type Held, schemaVersion } from '../records/records.ts'
import { findReplica, type ReplicaPair, type ReplicaRecord, replicaGoal, same } from '../records/replicas.ts'

export interface AskedReplica extends z.output<typeof NewReplica> {
  readonly guest: string
  /** Told in the history. */
  readonly verb: 'replicate' | 'copy'
}

interface Able {
  readonly guest: Held<GuestRecord>
  readonly known: ReplicaPair | undefined
  readonly usedBytes: number | undefined
}

export async function newReplica(daemon: Daemon, caller: Caller, asked: AskedReplica): Promise<Change> {
  const { guest, known } = await assertCan(daemon, asked)
  const { number, id, host: from, name } = guest.value
  const before = known?.record.value
  const now = timestamp(daemon.env)
  const rate = asked.rate ?? before?.rate
  const record: ReplicaRecord = {
    ...{ schema: schemaVersion, number, guest: id, host: asked.to, from },
    id: before?.id ?? daemon.env.randomHex(6),
    everyMs: asked.every === undefined ? (before?.everyMs ?? null) : asked.every,
    ...(rate === undefined ? {} : { rate }),
    ...{ by: caller.name, created: before?.created ?? now, asked: now },
  }
  const key = keys.replica(number, asked.to)
  return {
    ...{ kind: 'guest', name, verb: asked.verb, goal: replicaGoal(record.id) },
    ...{ before: before ? told(before) : null, after: told(record) },
    compare: [same(guest), { key, revision: known?.record.revision ?? 0 }],
    writes: [{ put: key, value: record }],
  }
}

const told = ({ host, everyMs, rate }: ReplicaRecord) => ({
  ...{ host, everyMs },
  ...(rate === undefined ? {} : { rate }),
})

export async function planSteps(daemon: Daemon, asked: AskedReplica): Promise<PlannedStep[]> {
  const { usedBytes, known } = await assertCan(daemon, asked)
  const { guest: what, to } = asked
  const disk = usedBytes === undefined ? 'its disk' : `its disk, about ${roughSize(usedBytes)}`
  const sent = known?.status?.value.last ? 'what has changed since' : `${disk} and its snapshots`
  const every = asked.every === undefined ? known?.record.value.everyMs : asked.every
  return [
    { what, step: 'copy', detail: `${sent}, to ${to} while it runs` },
    ...(every ? [{ what, step: 'repeat', detail: `every ${every / 1000} s, what has changed since` }] : []),
  ]
}

async function assertCan(daemon: Daemon, { guest: name, to, verb }: AskedReplica): Promise<Able> {
  const { parts } = getFarm(daemon)
  const guest = await getGuestToChange(daemon, name, verb)
  const { number, host: from, spec, id } = guest.value
  if (from === to)
    throw new CroftError('REFUSED', `${name} itself is on ${to}: a replica lies on another host`, {
      hint: 'croft host ls',
    })
  const [mount] = spec.mounts ?? []
  if (mount)
    throw new CroftError('REFUSED', `${name} has a folder of ${from}, ${mount.source}, that no replica would hold`, {
      hint: `croft mount rm ${name} ${mount.target}`,
    })
  const known = await findReplica(daemon.store, { number, host: to })
  if (known && (known.record.value.deleting || known.record.value.guest !== id))
    throw new CroftError('BUSY', `a replica with its number is being removed from ${to}`, { hint: 'croft replica ls' })
  if (!known) await getTaking(daemon, guest.value, to)
  getFarm(daemon).others?.assertCan(to, 'replicas')
  await assertMade(daemon, guest.value)
  const look = await lookForGuest(daemon, guest.value, to)
  if (!known && look.roots.length + look.snapshots.length > 0)
    throw new CroftError('REFUSED', `disks of a guest with number ${number} lie on ${to} already, without a record`, {
      hint: `croft host plan (on ${to})`,
    })
  const usedBytes = known ? undefined : await assertRoom(parts, guest.value, { to, look })
  return { guest, known, usedBytes }
}

export async function endReplica(daemon: Daemon, name: string, host: string): Promise<Change> {
  const { value: guest } = await getGuestRecord(daemon, name)
  const found = await findReplica(daemon.store, { number: guest.number, host })
  if (!found || found.record.value.guest !== guest.id)
    throw new CroftError('NOT_FOUND', `${name} has no replica on "${host}"`, { hint: `croft replica ls ${name}` })
  const { record } = found
  return {
    ...{ kind: 'guest', name, verb: 'replica rm', before: told(record.value), after: null },
    compare: [same(record)],
    writes: record.value.deleting ? [] : [{ put: record.key, value: { ...record.value, deleting: true } }],
  }
}
