/** The host leaves the farm: what lies here for others goes with it. */
import { isCode } from '../../api/errors.ts'
import { pause } from '../env.ts'
import type { HostParts } from '../host/parts.ts'
import { changeReplica, forgetReplica, type ReplicaPair, readReplicas } from '../records/replicas.ts'
import { clearDisks } from './tidy.ts'

/** So long the hosts of the guests have for their part; one that is away does it when it is back. */
const patienceMs = 20_000
const lookMs = 200

export async function leaveReplicas(parts: HostParts): Promise<void> {
  const { store, env, host } = parts
  const here = async () => (await readReplicas(store)).filter(({ record }) => record.value.host === host.name)
  for (const { record } of await here())
    if (!record.value.deleting) await unlessChanged(changeReplica(store, record, { deleting: true }))
  const until = env.monotonicMs() + patienceMs
  let left: readonly ReplicaPair[] = await here()
  while (left.length > 0 && env.monotonicMs() < until) {
    await pause(env, lookMs)
    left = await here()
  }
  for (const { record } of left) {
    await clearDisks(parts, record.value.number)
    await unlessChanged(forgetReplica(store, record))
  }
}

/** Another host was faster. */
async function unlessChanged(written: Promise<unknown>): Promise<void> {
  await written.catch((thrown) => {
    if (!isCode(thrown, 'CHANGED_MEANWHILE')) throw thrown
  })
}
