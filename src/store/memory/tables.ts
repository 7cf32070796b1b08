import { compareKeys, type KeyRange } from '../local/keys.ts'
import type { ChangeRow, Commit, LeaseRow, NewChange, Row, Tables } from '../local/tables.ts'

export class MemoryTables implements Tables {
  readonly kind = 'memory'
  readonly opened: Tables['opened']
  readonly #rows = new Map<string, Row>()
  /** The keys of #rows in order. */
  readonly #keys: string[] = []
  #log: ChangeRow[] = []

  constructor(id: string) {
    this.opened = { id, revision: 0, compacted: 0, leases: [] }
  }

  find(key: string): Row | undefined {
    return this.#rows.get(key)
  }

  scan({ low, high }: KeyRange, limit: number, reverse: boolean): Row[] {
    const first = this.#place(low)
    const end = Math.max(first, high === undefined ? this.#keys.length : this.#place(high))
    const keys = reverse
      ? this.#keys.slice(Math.max(first, end - limit), end).reverse()
      : this.#keys.slice(first, Math.min(end, first + limit))
    return keys.map((key) => this.#rows.get(key)).filter((row) => row !== undefined)
  }

  changes({ low, high }: KeyRange, after: number, upTo: number): ChangeRow[] {
    const first = firstWhere(this.#log, (row) => row.revision > after)
    const end = firstWhere(this.#log, (row) => row.revision > upTo)
    const isInside = ({ key }: ChangeRow): boolean =>
      compareKeys(key, low) >= 0 && (high === undefined || compareKeys(key, high) < 0)
    return this.#log.slice(first, end).filter(isInside)
  }

  leasedRows(lease: string): Row[] {
    const rows = [...this.#rows.values()].filter((row) => row.lease === lease)
    return rows.sort((left, right) => compareKeys(left.key, right.key))
  }

  commit({ changes }: Commit): void {
    for (const change of changes) {
      if (change.json === null) this.#delete(change.key)
      else this.#put(change, change.json)
      const { revision, key, json, before } = change
      this.#log.push({ revision, key, json, before })
    }
  }

  addLease(_lease: LeaseRow): void {}

  compact(revision: number): void {
    this.#log = this.#log.slice(firstWhere(this.#log, (row) => row.revision > revision))
  }

  close(): void {}

  #put({ key, revision, createRevision, lease }: NewChange, json: string): void {
    if (!this.#rows.has(key)) this.#keys.splice(this.#place(key), 0, key)
    this.#rows.set(key, { key, json, revision, createRevision, lease })
  }

  #delete(key: string): void {
    if (this.#rows.delete(key)) this.#keys.splice(this.#place(key), 1)
  }

  /** Where the key stands, or would stand, in #keys. */
  #place(key: string): number {
    return firstWhere(this.#keys, (other) => compareKeys(other, key) >= 0)
  }
}

/** The index of the first item for which it holds, when it holds for all that follow. */
function firstWhere<Item>(items: readonly Item[], holds: (item: Item) => boolean): number {
  let low = 0
  let high = items.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const item = items[middle]
    if (item !== undefined && holds(item)) high = middle
    else low = middle + 1
  }
  return low
}
