/** Passes on this host of replicas that nobody knows any more: their record went while this host was away. */
import { isPassOf, isReplicaPass } from '../../plan/replica.ts'
import type { HostParts } from '../host/parts.ts'
import { keys } from '../records/keys.ts'
import { type GuestRecord, readAll } from '../records/records.ts'
import type { ReplicaPair } from '../records/replicas.ts'

/** Of guests that are here alone: what lies here for another host's guest goes with its record. */
export async function sweepPasses({ store, host, pools }: HostParts, known: readonly ReplicaPair[]): Promise<void> {
  const guests = await readAll<GuestRecord>(store, keys.guests(host.name))
  const own = new Set(guests.filter(({ value }) => !value.moving).map(({ value }) => value.number))
  for (const name of pools.names) {
    if (!(await pools.state(name)).mounted) continue
    const storage = pools.storage(name)
    for (const { number, snapshots } of (await storage.inventory()).guests) {
      const strays = snapshots.filter(
        (disk) => isReplicaPass(disk) && !known.some(({ record }) => isPassOf(record.value.id, disk)),
      )
      if (own.has(number)) for (const id of strays) await storage.remove({ kind: 'snapshot', number, id })
    }
  }
}
