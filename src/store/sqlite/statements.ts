/** Prepared once per opening: preparing costs more than running. */
import type { DatabaseSync, StatementSync } from 'node:sqlite'

const row = 'key, value, revision, made, lease'
const scan = `SELECT ${row} FROM entry WHERE key >= ? AND key < ? ORDER BY key`

const texts = {
  begin: 'BEGIN IMMEDIATE',
  commit: 'COMMIT',
  rollback: 'ROLLBACK',
  facts: 'SELECT name, value FROM fact',
  setFact: 'UPDATE fact SET value = ? WHERE name = ?',
  find: `SELECT ${row} FROM entry WHERE key = ?`,
  scan: `${scan} LIMIT ?`,
  scanDown: `${scan} DESC LIMIT ?`,
  put: `INSERT INTO entry (${row}) VALUES (?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE
    SET value = excluded.value, revision = excluded.revision, lease = excluded.lease`,
  delete: 'DELETE FROM entry WHERE key = ?',
  log: 'INSERT INTO change (revision, place, key, value, before) VALUES (?, ?, ?, ?, ?)',
  changes: `SELECT revision, key, value, before FROM change
    WHERE revision > ? AND revision <= ? AND key >= ? AND key < ? ORDER BY revision, place`,
  forget: 'DELETE FROM change WHERE revision <= ?',
  leases: 'SELECT id, ttl_ms FROM lease',
  leased: `SELECT ${row} FROM entry WHERE lease = ? ORDER BY key`,
  addLease: 'INSERT INTO lease (id, ttl_ms) VALUES (?, ?)',
  endLease: 'DELETE FROM lease WHERE id = ?',
} as const

export type Statements = { readonly [Name in keyof typeof texts]: StatementSync }

export function prepareStatements(database: DatabaseSync): Statements {
  const prepared = Object.entries(texts).map(([name, text]) => [name, database.prepare(text)] as const)
  return Object.fromEntries(prepared) as Statements
}
