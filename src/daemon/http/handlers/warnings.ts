/** What is said beside the answer to a change of limits. */
import os from 'node:os'
import type { GuestChange, GuestSpec } from '../../../api/guest.ts'
import { limitWarnings } from '../../../plan/limit-warnings.ts'
import { type Daemon, getFarm } from '../../daemon.ts'

export async function withWarnings<T extends object>(
  daemon: Daemon,
  change: GuestChange,
  { pool, limits }: Pick<GuestSpec, 'pool' | 'limits'>,
  answer: T,
): Promise<T & { readonly warnings?: readonly string[] }> {
  const warnings = limitWarnings(change, limits, {
    cpus: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    poolBytes: change.disk === undefined && change.size === undefined ? null : await poolBytes(daemon, pool),
  })
  return warnings.length === 0 ? answer : { ...answer, warnings }
}

async function poolBytes(daemon: Daemon, pool: string): Promise<number | null> {
  try {
    return (await getFarm(daemon).parts.storage(pool).state()).totalBytes
  } catch {
    return null
  }
}
