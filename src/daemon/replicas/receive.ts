/** What the host that a replica lies on does for the one that has the guest: it takes disks in, and lets go of old ones. */
import type { Readable } from 'node:stream'
import { CroftError } from '../../api/errors.ts'
import type { HostParts } from '../host/parts.ts'
import type { Caller } from '../http/access.ts'
import { mostOfDisk } from '../moves/bounds.ts'
import { splitTail } from '../moves/tail.ts'
import { keys } from '../records/keys.ts'
import { type GuestRecord, read } from '../records/records.ts'
import { findReplica, guestOfReplica } from '../records/replicas.ts'

export async function receiveReplica(
  parts: HostParts,
  caller: Caller,
  { number, disk, stream, signal }: { number: number; disk: string; stream: Readable; signal: AbortSignal },
): Promise<{ readonly bytes: number }> {
  const guest = await getReplicated(parts, caller, number)
  const mostBytes = await mostOfDisk(parts, guest)
  const { body, sha256 } = splitTail(stream)
  parts.failpoint('replica.receive.before')
  const got = await parts
    .storage(guest.spec.pool)
    .receive({ kind: 'snapshot', number, id: disk }, body, { sha256, mostBytes, signal })
  parts.failpoint('replica.receive.after')
  return { bytes: got?.bytes ?? 0 }
}

/** Looked at before it is asked whether the guest comes here: what a move brings is not among them then. */
export async function pruneReplica(
  parts: HostParts,
  caller: Caller,
  { number, disks }: { number: number; disks: readonly string[] },
): Promise<void> {
  const { spec } = await getReplicated(parts, caller, number)
  const storage = parts.storage(spec.pool)
  const { snapshots } = await storage.holdings(number)
  if (await read(parts.store, keys.move(number))) return
  parts.failpoint('replica.prune.before')
  for (const id of snapshots.filter((each) => disks.includes(each)))
    await storage.remove({ kind: 'snapshot', number, id })
}

/** Of a guest of the host that asks, which has its replica here. */
async function getReplicated({ store, host }: HostParts, caller: Caller, number: number): Promise<GuestRecord> {
  const replica = (await findReplica(store, { number, host: host.name }))?.record.value
  const isSo = replica && !replica.deleting && caller.role === 'host' && caller.name === `host:${replica.from}`
  const guest = isSo ? await guestOfReplica(store, replica) : undefined
  if (guest) return guest.value
  throw new CroftError('REFUSED', `guest number ${number} has no replica here that ${caller.name} writes`)
}
