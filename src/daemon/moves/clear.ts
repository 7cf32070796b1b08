/** What a move leaves on its two hosts, taken away when it is of no more use. Each host clears its own, the source first. */

import type { Storage } from '../../drivers/storage/driver.ts'
import { linkOf } from '../../plan/addresses.ts'
import { isOfMove } from '../../plan/move.ts'
import { isReplicaPass } from '../../plan/replica.ts'
import type { HostLoop } from '../host/loop.ts'
import type { HostParts } from '../host/parts.ts'
import { poolOfVolumes } from '../host/volume-loop.ts'
import { keys } from '../records/keys.ts'
import { clearRecords, endPhase, goersOf, type MovedData, type MoveRecord } from '../records/moves.ts'
import { type GuestRecord, type Held, read } from '../records/records.ts'
import { findReplica, lastOf, readReplicas } from '../records/replicas.ts'
import { ownSnapshots } from './snapshots.ts'

interface Clearing {
  readonly parts: HostParts
  readonly loop: Pick<HostLoop, 'gate'>
}

/** After the switch all of the guests; when it was given up only what was made for the move. */
export async function clearSource({ parts, loop }: Clearing, move: Held<MoveRecord>): Promise<void> {
  const { id, phase, number, data } = move.value
  if (phase === 'cancelled') {
    await removeDisks(parts, number, (disk) => isOfMove(id, disk))
    return endPhase(parts, move, { phase: 'cleared' })
  }
  for (const goer of goersOf(move.value)) {
    await loop.gate.close(goer.number)
    await parts.runtime.remove(goer.number)
    await parts.network.removeLink(linkOf(goer.number))
    const kept = await disksOfReplica(parts, { ...move.value, number: goer.number })
    await removeDisks(parts, goer.number, (disk) => !kept.includes(disk))
  }
  if (data) await removeVolumes(parts, data, move.value.from)
  await clearRecords(parts, move.value, 'from')
  await endPhase(parts, move, { phase: 'cleared', frees: 'from' })
}

/** The end of the record. */
export async function clearTarget(parts: HostParts, move: Held<MoveRecord>): Promise<void> {
  const { id, to, number, data } = move.value
  const guest = await read<GuestRecord>(parts.store, keys.guest(to, number))
  const replicas = await readReplicas(parts.store, keys.replicasOf(number))
  const isReplica = replicas.some(({ record }) => record.value.host === to)
  const lasts = replicas.map(lastOf)
  // Of a replica that lies here all else stays: when it is next brought up to date what is too much goes.
  const goes = (disk: string, kind: Kind) =>
    isOfMove(id, disk) || (guest ? isReplicaPass(disk) && !lasts.includes(disk) : !isReplica || kind === 'root')
  await removeDisks(parts, number, goes)
  if (guest || move.value.switched) return endPhase(parts, move, {})
  if (data) await removeVolumes(parts, data, to)
  await clearRecords(parts, move.value, 'to')
  return endPhase(parts, move, { frees: 'to' })
}

/** Those that the other host has; what a record tells of stays. */
async function removeVolumes(parts: HostParts, { volumes }: MovedData, host: string): Promise<void> {
  for (const { id } of volumes)
    if (!(await read(parts.store, keys.volume(host, id))))
      await parts.storage(poolOfVolumes).remove({ kind: 'volume', id })
}

type Kind = 'root' | 'snapshot'
type Goes = (disk: string, kind: Kind) => boolean

/** The guest left its replica here: what the next one differs from, and its snapshots. */
async function disksOfReplica({ store }: HostParts, { number, from, to }: MoveRecord): Promise<readonly string[]> {
  const replica = await findReplica(store, { number, host: from })
  const last = replica && !replica.record.value.deleting ? lastOf(replica) : undefined
  if (last === undefined) return []
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
