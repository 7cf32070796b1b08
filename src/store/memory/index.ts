import { LocalStore } from '../local/local.ts'
import type { Store } from '../store.ts'
import { MemoryTables } from './tables.ts'

/** A full store that forgets all when the process ends. Without an `id` all have the same, as simulations like it. */
export function createMemoryStore(options: { now: () => number; id?: string }): Store {
  let leases = 0
  const newLeaseId = (): string => `lease-${++leases}`
  return new LocalStore(new MemoryTables(options.id ?? 'memory'), { now: options.now, newLeaseId })
}
