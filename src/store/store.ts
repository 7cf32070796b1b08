/**
 * The store contract: etcd's model, small. memory/, sqlite/ and later etcd/ pass one suite (test/contract/store.ts).
 * Keys are ordered as bytes; values are JSON. Every answer carries the revision at which it is true.
 */
export interface Entry {
  readonly key: string
  readonly value: unknown
  /** The revision of the transaction that last wrote it, and that first made it. */
  readonly revision: number
  readonly createRevision: number
}

/** True when the key's last write has that revision; 0 means: the key does not exist. */
export interface Compare {
  readonly key: string
  readonly revision: number
}

export type Write =
  | { readonly put: string; readonly value: unknown; readonly lease?: string }
  | { readonly delete: string }

export interface Page {
  /** Only keys beyond this one, in the direction of the list. */
  readonly after?: string
  /** At most so many, 1..1000; 1000 unless told. */
  readonly limit?: number
  /** From the greatest key down. */
  readonly reverse?: true
}

export interface Listed {
  readonly revision: number
  readonly entries: readonly Entry[]
  /** Give it as `after` for the rest; absent when this was the last page. */
  readonly next?: string
}

export type Change =
  | {
      readonly kind: 'put'
      readonly key: string
      readonly value: unknown
      readonly revision: number
      readonly before?: unknown
    }
  | { readonly kind: 'delete'; readonly key: string; readonly revision: number; readonly before?: unknown }

/** All changes of one revision under the watched prefix, together. */
export interface Batch {
  readonly revision: number
  readonly changes: readonly Change[]
}

export interface Lease {
  readonly id: string
  /** Prolongs it by its time to live. Throws NOT_FOUND when it has run out. */
  keepAlive(): Promise<void>
  /** Ends it now; its keys are deleted. */
  revoke(): Promise<void>
}

export interface Store {
  /** Given at the store's making and never changed; part of every cursor. */
  readonly id: string
  readonly kind: 'memory' | 'sqlite' | 'etcd'
  get(key: string): Promise<{ readonly revision: number; readonly entry: Entry | undefined }>
  list(prefix: string, page?: Page): Promise<Listed>
  /** All writes or none. Throws CHANGED_MEANWHILE when a comparison fails, TOO_LARGE beyond `limits`. Acknowledged means on disk. */
  transact(compare: readonly Compare[], writes: readonly Write[]): Promise<{ readonly revision: number }>
  /**
   * Every change under the prefix after the cursor `storeId:revision` (all of them, once each, in order), or from now on.
   * Throws COMPACTED for a cursor of another store or before the compaction. Ends when the signal aborts; throws
   * STORE_CLOSED when the store closes meanwhile.
   */
  watch(prefix: string, options: { readonly from?: string; readonly signal: AbortSignal }): AsyncIterable<Batch>
  lease(ttlMs: number): Promise<Lease>
  /** Forgets what is needed only to replay watches up to this revision. */
  compact(revision: number): Promise<void>
  /** What is wrong with what is kept; undefined when it is whole. Reads all of it: for the doctor. */
  findDamage?(): Promise<string | undefined>
  close(): Promise<void>
}

export const limits = { operations: 100, bytes: 1_000_000, keyBytes: 500 } as const

export const cursor = (store: Store, revision: number): string => `${store.id}:${revision}`
