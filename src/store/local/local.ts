/** The store contract over tables in this process; memory and SQLite differ in nothing but the tables. */
import { CroftError, isCode } from '../../api/errors.ts'
import type { Batch, Compare, Entry, Lease, Listed, Page, Store, Write } from '../store.ts'
import { type CheckedWrite, checkPage, checkRevision, checkTransaction, checkTtl } from './check.ts'
import { parseCursor } from './cursor.ts'
import { Feed } from './feed.ts'
import { checkKey, checkPrefix, rangeOf } from './keys.ts'
import { Leases } from './leases.ts'
import type { NewChange, Row, Tables } from './tables.ts'

export interface LocalOptions {
  /** Milliseconds, best of a monotonic clock: leases are measured by it. */
  readonly now: () => number
  readonly newLeaseId: () => string
}

export class LocalStore implements Store {
  readonly id: string
  readonly kind: Store['kind']
  readonly #tables: Tables
  readonly #newLeaseId: () => string
  readonly #feed: Feed
  readonly #leases: Leases
  #revision: number
  #compacted: number
  #closed: CroftError | undefined

  constructor(tables: Tables, options: LocalOptions) {
    const { id, revision, compacted, leases } = tables.opened
    this.id = id
    this.kind = tables.kind
    this.#tables = tables
    this.#newLeaseId = options.newLeaseId
    this.#revision = revision
    this.#compacted = compacted
    this.#leases = new Leases({ now: options.now, kept: leases, look: () => this.#expireQuietly() })
    this.#feed = new Feed({
      revision: () => this.#revision,
      compacted: () => this.#compacted,
      changes: (range, after, upTo) => tables.changes(range, after, upTo),
    })
  }

  async get(key: string): Promise<{ readonly revision: number; readonly entry: Entry | undefined }> {
    this.#enter()
    checkKey(key)
    const row = this.#tables.find(key)
    return { revision: this.#revision, entry: row === undefined ? undefined : toEntry(row) }
  }

  async list(prefix: string, page: Page = {}): Promise<Listed> {
    this.#enter()
    checkPrefix(prefix)
    const { limit, reverse } = checkPage(page)
    const rows = this.#tables.scan(rangeOf(prefix, page.after, reverse), limit + 1, reverse)
    const entries = rows.slice(0, limit).map(toEntry)
    const next = rows.length > limit ? entries.at(-1)?.key : undefined
    return { revision: this.#revision, entries, ...(next === undefined ? {} : { next }) }
  }

  async transact(compare: readonly Compare[], writes: readonly Write[]): Promise<{ readonly revision: number }> {
    this.#enter()
    const checked = checkTransaction(compare, writes)
    for (const comparison of compare) this.#compare(comparison)
    const changes = checked.map((write) => this.#toChange(write)).filter((change) => change !== undefined)
    this.#commit(changes, [])
    return { revision: this.#revision }
  }

  watch(prefix: string, options: { readonly from?: string; readonly signal: AbortSignal }): AsyncIterable<Batch> {
    try {
      this.#enter()
      checkPrefix(prefix)
      const known = { storeId: this.id, revision: this.#revision, compacted: this.#compacted }
      const after = options.from === undefined ? this.#revision : parseCursor(options.from, known)
      return this.#feed.watch({ prefix, after, signal: options.signal })
    } catch (failure) {
      return failing(failure)
    }
  }

  async lease(ttlMs: number): Promise<Lease> {
    this.#enter()
    checkTtl(ttlMs)
    const id = this.#newLeaseId()
    this.#guarded(() => this.#tables.addLease({ id, ttlMs }))
    this.#leases.add({ id, ttlMs })
    return { id, keepAlive: async () => this.#keepAlive(id), revoke: async () => this.#revoke(id) }
  }

  async compact(revision: number): Promise<void> {
    this.#enter()
    checkRevision(revision)
    if (revision > this.#revision) {
      throw new CroftError('BAD_VALUE', `revision ${revision} is still to come; the store is at ${this.#revision}`)
    }
    if (revision <= this.#compacted) return
    this.#guarded(() => this.#tables.compact(revision))
    this.#compacted = revision
  }

  async findDamage(): Promise<string | undefined> {
    this.#enter()
    return this.#tables.findDamage?.()
  }

  async close(): Promise<void> {
    this.#shut(new CroftError('STORE_CLOSED', 'the store is closed', { hint: 'croft doctor' }))
  }

  /** Every call begins here: the closed store answers nothing, and what has run out is never seen. */
  #enter(): void {
    if (this.#closed !== undefined) throw this.#closed
    const due = this.#leases.due()
    if (due.length > 0) this.#endLeases(due)
  }

  #compare({ key, revision }: Compare): void {
    const now = this.#tables.find(key)?.revision ?? 0
    if (now !== revision) {
      throw new CroftError('CHANGED_MEANWHILE', `"${key}" is at revision ${now}, not ${revision}`)
    }
  }

  /** Deleting what is not there changes nothing. */
  #toChange(write: CheckedWrite): NewChange | undefined {
    if (write.lease !== null && !this.#leases.has(write.lease)) throw noLease(write.lease)
    const before = this.#tables.find(write.key)
    if (write.json === null && before === undefined) return undefined
    const revision = this.#revision + 1
    return { ...write, revision, before: before?.json ?? null, createRevision: before?.createRevision ?? revision }
  }

  #commit(changes: readonly NewChange[], endedLeases: readonly string[]): void {
    if (changes.length === 0 && endedLeases.length === 0) return
    const revision = changes.length === 0 ? this.#revision : this.#revision + 1
    this.#guarded(() => this.#tables.commit({ revision, changes, endedLeases }))
    this.#revision = revision
    this.#feed.publish(changes)
  }

  #keepAlive(id: string): void {
    this.#enter()
    if (!this.#leases.prolong(id)) throw noLease(id)
  }

  #revoke(id: string): void {
    this.#enter()
    if (this.#leases.has(id)) this.#endLeases([id])
  }

  #endLeases(ids: readonly string[]): void {
    const rows = ids.flatMap((id) => this.#tables.leasedRows(id))
    const changes = rows.map((row) => this.#toChange({ key: row.key, json: null, lease: null }))
    const present = changes.filter((change) => change !== undefined)
    this.#commit(present, ids)
    this.#leases.remove(ids)
  }

  /** For the timer, which has nobody to tell: the next call meets the same failure and says so. */
  #expireQuietly(): void {
    try {
      this.#enter()
    } catch {}
  }

  /** Tables that no longer know what is on disk say STORE_CLOSED; then only opening anew can tell. */
  #guarded(work: () => void): void {
    try {
      work()
    } catch (failure) {
      if (failure instanceof CroftError && isCode(failure, 'STORE_CLOSED')) this.#shut(failure)
      throw failure
    }
  }

  #shut(reason: CroftError): void {
    if (this.#closed !== undefined) return
    this.#closed = reason
    this.#leases.close()
    this.#feed.close(reason)
    this.#tables.close()
  }
}

function toEntry({ key, json, revision, createRevision }: Row): Entry {
  return { key, value: JSON.parse(json) as unknown, revision, createRevision }
}

const noLease = (id: string): CroftError => new CroftError('NOT_FOUND', `the lease ${id} has run out`)

// biome-ignore lint/correctness/useYield: its only word is the failure.
async function* failing(failure: unknown): AsyncGenerator<Batch, void, void> {
  throw failure
}
