/** Who asked for it wants it no more: one that is whole stays as it is, one that never was goes. */
import { momentOf } from '../../plan/replica.ts'
import type { OpenFarm } from '../daemon.ts'
import { changeReplica, lastOf, readReplicas } from '../records/replicas.ts'

export async function cancelReplica({ parts, loop }: Pick<OpenFarm, 'parts' | 'loop'>, id: string): Promise<void> {
  const pair = (await readReplicas(parts.store)).find(({ record }) => record.value.id === id)
  if (!pair) return
  const last = lastOf(pair)
  const asked = last === undefined ? undefined : new Date(momentOf(last)).toISOString()
  await changeReplica(parts.store, pair.record, asked === undefined ? { deleting: true } : { asked })
  loop.between.replicas.cancel(id)
}
