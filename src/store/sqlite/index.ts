import { LocalStore } from '../local/local.ts'
import type { Store } from '../store.ts'
import { type FoundStore, openFile } from './file.ts'
import { SqliteTables } from './tables.ts'

export interface SqliteOptions {
  readonly path: string
  /** Milliseconds, best of a monotonic clock: leases are measured by it. */
  readonly now: () => number
  /** For the store itself, once, and for each lease. */
  readonly newId: () => string
  /** Told before the first write; undefined when the store is new. */
  readonly beforeWriting?: (found: FoundStore | undefined) => void
}

/**
 * The store of one host in one file. Throws BUSY while another process has it open, REFUSED when a newer croft wrote
 * it, DATA_LOST when it is damaged; a file that is not there is made.
 */
export async function openSqliteStore({ path, now, newId, beforeWriting }: SqliteOptions): Promise<Store> {
  const database = openFile(path, newId, beforeWriting)
  try {
    return new LocalStore(new SqliteTables(database, path), { now, newLeaseId: newId })
  } catch (failure) {
    database.close()
    throw failure
  }
}
