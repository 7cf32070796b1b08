/** Why a replica is no younger, for who asks and who waits. */
import { CroftError } from '../../api/errors.ts'
import { timestamp } from '../env.ts'
import type { HostParts } from '../host/parts.ts'
import { findReplica, guestOfReplica, type ReplicaRecord, replicaGoal, writeStatus } from '../records/replicas.ts'

export async function tellFailure(parts: HostParts, replica: ReplicaRecord, error: CroftError): Promise<void> {
  const { store, operations } = parts
  const { id, host, number } = replica
  const upTo = operations.mark()
  const now = await findReplica(store, replica)
  if (now?.record.value.id !== id) return
  const body = error.toBody()
  const told = now.status?.value
  const name = (await guestOfReplica(store, replica))?.value.name ?? `guest number ${number}`
  const said = { id, name, at: timestamp(parts.env) }
  if (told?.failed?.message !== body.message) await writeStatus(store, now.record, { ...told, ...said, failed: body })
  operations.settle(replicaGoal(id), upTo, {
    end: 'failed',
    error: new CroftError(error.code, `${body.message}; the replica of ${name} on ${host} is tried again`, {
      hint: body.hint ?? `croft replica ls ${name}`,
    }),
  })
}
