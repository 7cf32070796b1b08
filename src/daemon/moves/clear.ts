/** What a move leaves on its two hosts, taken away when it is of no more use. Each host clears its own, the source first. */

import type { Storage } from '../../drivers/storage/driver.ts'
import { linkOf } from '../../plan/addresses.ts'
import { isOfMove } from '../../plan/move.ts'
import { isReplicaPass } from '../../plan/replica.ts'
import type { HostLoop } from '../host/loop.ts'
import type { HostParts } from '../host/parts.ts'
import { keys } from '../records/keys.ts'
import { clearRecords, endPhase, type MoveRecord } from '../records/moves.ts'
import { type GuestRecord, type Held, read } from '../records/records.ts'
import { findReplica, lastOf, readReplicas } from '../records/replicas.ts'
import { ownSnapshots } from './snapshots.ts'

interface Clearing {
  readonly parts: HostParts
  readonly loop: Pick<HostLoop, 'gate'>
}

/** After the switch all of the guest; when it was given up only what was made for the move. */
export async function clearSource({ parts, loop }: Clearing, move: Held<MoveRecord>, number: number): Promise<void> {
  const { id, phase, from } = move.value
  const stays = phase === 'cancelled'
  if (!stays) {
    await loop.gate.close(number)
    await parts.runtime.remove(number)
    await parts.network.removeLink(linkOf(number))
  }
  const kept = stays ? undefined : await disksOfReplica(parts, move.value)
  await removeDisks(parts, number, (disk) => (kept ? !kept.includes(disk) : !stays || isOfMove(id, disk)))
  // Of a guest that stays these are its own.
  if (!stays) await clearRecords(parts, move.value, 'from')
  await endPhase(parts, move, { phase: 'cleared', ...(stays || from === move.value.to ? {} : { frees: 'from' }) })
}

/** The end of the record. */
export async function clearTarget(parts: HostParts, move: Held<MoveRecord>): Promise<void> {
  const { id, to, number } = move.value
  const guest = await read<GuestRecord>(parts.store, keys.guest(to, number))
  const replicas = await readReplicas(parts.store, keys.replicasOf(number))
  const isReplica = replicas.some(({ record }) => record.value.host === to)
  const lasts = replicas.map(lastOf)
  // Of a replica that lies here all else stays: when it is next brought up to date what is too much goes.
  const goes = (disk: string, kind: Kind) =>
    isOfMove(id, disk) || (guest ? isReplicaPass(disk) && !lasts.includes(disk) : !isReplica || kind === 'root')
  await removeDisks(parts, number, goes)
  if (guest) return endPhase(parts, move, {})
  await clearRecords(parts, move.value, 'to')
  return endPhase(parts, move, { frees: 'to' })
}

type Kind = 'root' | 'snapshot'
type Goes = (disk: string, kind: Kind) => boolean

/** The guest left its replica here: what the next one differs from, and its snapshots. Undefined: it has none here. */
async function disksOfReplica(
  { store }: HostParts,
  { number, from, to }: MoveRecord,
): Promise<readonly string[] | undefined> {
  const replica = await findReplica(store, { number, host: from })
  const last = replica && !replica.record.value.deleting ? lastOf(replica) : undefined
  if (last === undefined) return undefined
  return [last, ...(await ownSnapshots(store, { from: to, number })).wanted.map(({ id }) => id)]
}

async function removeDisks({ pools }: HostParts, number: number, goes: Goes): Promise<void> {
  for (const name of pools.names) {
    if ((await pools.state(name)).mounted) await removeFrom(pools.storage(name), number, goes)
  }
}

async function removeFrom(storage: Storage, number: number, goes: Goes): Promise<void> {
  const { snapshots, roots } = await storage.holdings(number)
  for (const id of snapshots.filter((each) => goes(each, 'snapshot')))
    await storage.remove({ kind: 'snapshot', number, id })
  for (const id of roots.filter((each) => goes(each, 'root'))) await storage.remove({ kind: 'root', number, id })
}
