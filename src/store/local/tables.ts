/**
 * What a backend inside this process keeps, and nothing of what it means: LocalStore decides, tables remember. All
 * methods are synchronous and only one store uses them, so what was read is still true when the commit follows.
 */
import type { Store } from '../store.ts'
import type { KeyRange } from './keys.ts'

export interface Row {
  readonly key: string
  readonly json: string
  readonly revision: number
  readonly createRevision: number
  readonly lease: string | null
}

/** One line of the change log; a null `json` is a deletion, a null `before` a creation. */
export interface ChangeRow {
  readonly revision: number
  readonly key: string
  readonly json: string | null
  readonly before: string | null
}

export interface NewChange extends ChangeRow {
  readonly createRevision: number
  readonly lease: string | null
}

export interface LeaseRow {
  readonly id: string
  readonly ttlMs: number
}

export interface Commit {
  /** The revision after it; that of before when nothing changes but leases. */
  readonly revision: number
  readonly changes: readonly NewChange[]
  readonly endedLeases: readonly string[]
}

export interface Tables {
  readonly kind: Store['kind']
  /** What was kept when they were opened. */
  readonly opened: {
    readonly id: string
    readonly revision: number
    readonly compacted: number
    readonly leases: readonly LeaseRow[]
  }
  find(key: string): Row | undefined
  scan(range: KeyRange, limit: number, reverse: boolean): Row[]
  /** The log's lines with `after` < revision <= `upTo` and a key in the range, oldest first. */
  changes(range: KeyRange, after: number, upTo: number): ChangeRow[]
  leasedRows(lease: string): Row[]
  /** All or nothing, and on disk when it returns. Throws STORE_CLOSED when it cannot be known what is on disk. */
  commit(commit: Commit): void
  addLease(lease: LeaseRow): void
  compact(revision: number): void
  findDamage?(): string | undefined
  close(): void
}
