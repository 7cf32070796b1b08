/**
 * The tables and how they came about. A step is never changed once it was released; a new form is a new step at the
 * end. Each runs in a transaction together with the version it leads to.
 */
import type { DatabaseSync } from 'node:sqlite'
import { CroftError } from '../../api/errors.ts'

/** "crft": says that a file is ours, beside SQLite's own mark. */
export const applicationId = 0x63726674

/** `steps[n]` leads from version n to n + 1. */
const steps: readonly string[] = [
  `CREATE TABLE fact (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE entry (
     key TEXT PRIMARY KEY, value TEXT NOT NULL, revision INTEGER NOT NULL, made INTEGER NOT NULL, lease TEXT
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX entry_lease ON entry (lease) WHERE lease IS NOT NULL;
   CREATE TABLE change (
     revision INTEGER NOT NULL, place INTEGER NOT NULL, key TEXT NOT NULL, value TEXT, before TEXT,
     PRIMARY KEY (revision, place)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE lease (id TEXT PRIMARY KEY, ttl_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
   INSERT INTO fact VALUES ('revision', 0), ('compacted', 0);
   PRAGMA application_id = ${applicationId};`,
]

export const schemaVersion = steps.length

export function assertReadable(database: DatabaseSync, path: string): void {
  const version = readPragma(database, 'user_version')
  if (version > schemaVersion) throw tooNew(path, version)
}

export function upgradeSchema(database: DatabaseSync): void {
  const version = readPragma(database, 'user_version')
  for (const [at, step] of steps.entries()) {
    if (at >= version) database.exec(`BEGIN IMMEDIATE; ${step} PRAGMA user_version = ${at + 1}; COMMIT`)
  }
}

export function readPragma(database: DatabaseSync, name: 'user_version' | 'application_id'): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name])
}

function tooNew(path: string, version: number): CroftError {
  const message = `${path} has schema ${version}; this croft knows up to ${schemaVersion}: a newer croft wrote it`
  return new CroftError('REFUSED', message, {
    hint: 'install that croft again; the way back to this one: the copies of the store beside it (docs/guides/install.md)',
  })
}
