/** What a move leaves on its two hosts, taken away when it is of no more use. Each host clears its own, the source first. */

import type { Storage } from '../../drivers/storage/driver.ts'
import { linkOf } from '../../plan/addresses.ts'
import { isOfMove } from '../../plan/move.ts'
import type { HostLoop } from '../host/loop.ts'
import type { HostParts } from '../host/parts.ts'
import { keys } from '../records/keys.ts'
import { clearRecords, endPhase, type MoveRecord } from '../records/moves.ts'
import { type GuestRecord, type Held, read } from '../records/records.ts'

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
  await removeDisks(parts, number, (disk) => !stays || isOfMove(id, disk))
  // Of a guest that stays these are its own.
  if (!stays) await clearRecords(parts, move.value, 'from')
  await endPhase(parts, move, { phase: 'cleared', ...(stays || from === move.value.to ? {} : { frees: 'from' }) })
}

/** The end of the record. */
export async function clearTarget(parts: HostParts, move: Held<MoveRecord>): Promise<void> {
  const { id, to, number } = move.value
  const guest = await read<GuestRecord>(parts.store, keys.guest(to, number))
  await removeDisks(parts, number, (disk) => guest === undefined || isOfMove(id, disk))
  if (guest) return endPhase(parts, move, {})
  await clearRecords(parts, move.value, 'to')
  return endPhase(parts, move, { frees: 'to' })
}

async function removeDisks({ pools }: HostParts, number: number, goes: (disk: string) => boolean): Promise<void> {
  for (const name of pools.names) {
    if ((await pools.state(name)).mounted) await removeFrom(pools.storage(name), number, goes)
  }
}

async function removeFrom(storage: Storage, number: number, goes: (disk: string) => boolean): Promise<void> {
  const { snapshots, roots } = await storage.holdings(number)
  for (const id of snapshots.filter(goes)) await storage.remove({ kind: 'snapshot', number, id })
  for (const id of roots.filter(goes)) await storage.remove({ kind: 'root', number, id })
}
