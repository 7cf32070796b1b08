import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import { CroftError } from '../../api/errors.ts'
import type { KeyRange } from '../local/keys.ts'
import type { ChangeRow, Commit, LeaseRow, NewChange, Row, Tables } from '../local/tables.ts'
import { damagedFile, speaking } from './faults.ts'
import { prepareStatements, type Statements } from './statements.ts'

type Columns = Record<string, SQLOutputValue>

/** In SQLite's order every blob comes after every text. */
const beyondAllText = new Uint8Array(0)
const highest = (range: KeyRange): string | Uint8Array => range.high ?? beyondAllText

export class SqliteTables implements Tables {
  readonly kind = 'sqlite'
  readonly opened: Tables['opened']
  readonly #database: DatabaseSync
  readonly #path: string
  readonly #run: Statements

  constructor(database: DatabaseSync, path: string) {
    this.#database = database
    this.#path = path
    this.#run = speaking(path, () => prepareStatements(database))
    this.opened = speaking(path, () => this.#readFacts())
  }

  find(key: string): Row | undefined {
    const found = speaking(this.#path, () => this.#run.find.get(key))
    return found === undefined ? undefined : toRow(found)
  }

  scan(range: KeyRange, limit: number, reverse: boolean): Row[] {
    const statement = reverse ? this.#run.scanDown : this.#run.scan
    return speaking(this.#path, () => statement.all(range.low, highest(range), limit).map(toRow))
  }

  changes(range: KeyRange, after: number, upTo: number): ChangeRow[] {
    return speaking(this.#path, () => this.#run.changes.all(after, upTo, range.low, highest(range)).map(toChangeRow))
  }

  leasedRows(lease: string): Row[] {
    return speaking(this.#path, () => this.#run.leased.all(lease).map(toRow))
  }

  commit({ revision, changes, endedLeases }: Commit): void {
    this.#transaction(() => {
      for (const [place, change] of changes.entries()) this.#write(change, place)
      for (const id of endedLeases) this.#run.endLease.run(id)
      if (changes.length > 0) this.#run.setFact.run(revision, 'revision')
    })
  }

  addLease({ id, ttlMs }: LeaseRow): void {
    this.#transaction(() => this.#run.addLease.run(id, ttlMs))
  }

  compact(revision: number): void {
    this.#transaction(() => {
      this.#run.forget.run(revision)
      this.#run.setFact.run(revision, 'compacted')
    })
  }

  findDamage(): string | undefined {
    const verdict = speaking(this.#path, () => this.#database.prepare('PRAGMA quick_check(1)').get()?.quick_check)
    return verdict === 'ok' ? undefined : String(verdict)
  }

  close(): void {
    speaking(this.#path, () => this.#database.close())
  }

  #write({ key, json, before, revision, createRevision, lease }: NewChange, place: number): void {
    if (json === null) this.#run.delete.run(key)
    else this.#run.put.run(key, json, revision, createRevision, lease)
    this.#run.log.run(revision, place, key, json, before)
  }

  #transaction(work: () => void): void {
    speaking(this.#path, () => {
      this.#run.begin.run()
      try {
        work()
        this.#run.commit.run()
      } catch (failure) {
        this.#rollback(failure)
        throw failure
      }
    })
  }

  /** SQLite has rolled back by itself after some failures. One that cannot be rolled back is settled by the next opening. */
  #rollback(cause: unknown): void {
    if (!this.#database.isTransaction) return
    try {
      this.#run.rollback.run()
    } catch {
      const message = `the store ${this.#path} could not undo a failed write`
      throw new CroftError('STORE_CLOSED', message, { hint: 'croft doctor', cause })
    }
  }

  #readFacts(): Tables['opened'] {
    const facts = new Map(this.#run.facts.all().map((fact) => [fact.name, fact.value]))
    const id = facts.get('id')
    if (typeof id !== 'string') throw damagedFile(this.#path, 'it has no id')
    const leases = this.#run.leases.all().map((lease) => ({ id: String(lease.id), ttlMs: Number(lease.ttl_ms) }))
    return { id, revision: Number(facts.get('revision')), compacted: Number(facts.get('compacted')), leases }
  }
}

function toRow({ key, value, revision, made, lease }: Columns): Row {
  return {
    key: String(key),
    json: String(value),
    revision: Number(revision),
    createRevision: Number(made),
    lease: toText(lease),
  }
}

function toChangeRow({ revision, key, value, before }: Columns): ChangeRow {
  return { revision: Number(revision), key: String(key), json: toText(value), before: toText(before) }
}

const toText = (value: SQLOutputValue | undefined): string | null => (typeof value === 'string' ? value : null)
