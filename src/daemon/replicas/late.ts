/** A replica that is late is news, told once: by the host of its guest, and where that one is away by the host that it lies on. */
import { isCode } from '../../api/errors.ts'
import { isLate, lateAt } from '../../plan/replica.ts'
import { timestamp } from '../env.ts'
import type { HostParts } from '../host/parts.ts'
import { keys } from '../records/keys.ts'
import { read } from '../records/records.ts'
import { type ReplicaPair, same, timingOf } from '../records/replicas.ts'

/** Whether the other host is away is looked at so often. */
const againMs = 30_000

/** How long until it must be looked at for this. */
export async function tellLate({ store, host, env }: HostParts, pair: ReplicaPair): Promise<number> {
  const { record, status } = pair
  const { from, host: to, deleting } = record.value
  if ((from !== host.name && to !== host.name) || deleting || !status || status.value.late) return never
  const timing = timingOf(pair)
  const now = env.now()
  if (!isLate(timing, now)) return lateAt(timing) - now + 1
  if (from !== host.name && (await read(store, keys.alive(from)))) return againMs
  const value = { ...status.value, late: true as const, at: timestamp(env) }
  await store
    .transact([same(record), { key: status.key, revision: status.revision }], [{ put: status.key, value }])
    .catch((thrown) => {
      if (!isCode(thrown, 'CHANGED_MEANWHILE')) throw thrown
    })
  return againMs
}

const never = Number.POSITIVE_INFINITY
