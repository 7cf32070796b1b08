/**
 * The file on disk. It appears under its name only when it is whole: an empty or half one was therefore damaged later,
 * and is never taken for a new store. Nothing here opens an existing file, for closing it would drop SQLite's locks.
 */
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  type Stats,
  statSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { CroftError } from '../../api/errors.ts'
import { damagedFile, speaking } from './faults.ts'
import { applicationId, assertReadable, readPragma, upgradeSchema } from './schema.ts'

/** A store that was there, held and of a form that this croft reads; nothing was written to it yet. */
export interface FoundStore {
  /** Which form it has; a later one has a higher number. */
  readonly schema: number
  /** All of it in one file, which must not be there yet. */
  copyTo(file: string): void
}

/**
 * Opens the store's file, making it when there is none; the process holds it alone until it closes it. What
 * `beforeWriting` throws leaves the store as it was found.
 */
export function openFile(
  path: string,
  newId: () => string,
  beforeWriting?: (found: FoundStore | undefined) => void,
): DatabaseSync {
  prepareFolder(dirname(path))
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats === undefined) beforeWriting?.(undefined)
  if (stats === undefined) makeFile(path, newId)
  else checkFile(path, stats)
  chmodSync(path, 0o600)
  const wasLeftOpen = (lstatSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0
  return connect(path, (database) => {
    if (readPragma(database, 'application_id') !== applicationId) throw damagedFile(path, 'it is not a store of croft')
    if (wasLeftOpen) checkPages(database, path)
    assertReadable(database, path)
    if (stats !== undefined)
      beforeWriting?.({
        schema: readPragma(database, 'user_version'),
        copyTo: (file) => database.prepare('VACUUM INTO ?').run(file),
      })
    upgradeSchema(database)
  })
}

/** Which form a copy has; undefined when it cannot be told. It stands in the file's head. */
export function schemaOfCopy(file: string): number | undefined {
  if (!existsSync(file)) return undefined
  const handle = openSync(file, 'r')
  try {
    const head = Buffer.alloc(100)
    return readSync(handle, head) === head.length ? head.readUInt32BE(60) : undefined
  } finally {
    closeSync(handle)
  }
}

/** A folder that is there may be used by others too and keeps its mode, unless others could put a file in our place. */
function prepareFolder(folder: string): void {
  const made = mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (made !== undefined || (statSync(folder).mode & 0o022) === 0) return
  throw new CroftError('REFUSED', `others may write in ${folder}, where the store is`, { hint: `chmod 700 ${folder}` })
}

function checkFile(path: string, stats: Stats): void {
  if (!stats.isFile()) throw damagedFile(path, 'it is not a file')
  if (stats.size === 0) throw damagedFile(path, 'it is empty')
}

function makeFile(path: string, newId: () => string): void {
  if (existsSync(`${path}-wal`)) throw damagedFile(path, `it is gone, but ${path}-wal is there`)
  const draft = `${path}.new`
  makeEmpty(draft)
  const database = connect(draft, (opened) => {
    upgradeSchema(opened)
    opened.prepare(`INSERT OR IGNORE INTO fact VALUES ('id', ?)`).run(newId())
  })
  database.close()
  ignoring('EEXIST', () => linkSync(draft, path))
  rmSync(draft, { force: true })
  syncFolder(dirname(path))
}

/** Made before SQLite sees it, because SQLite gives its other files the mode of this one. */
function makeEmpty(path: string): void {
  ignoring('EEXIST', () => closeSync(openSync(path, 'wx', 0o600)))
}

function connect(path: string, prepare: (database: DatabaseSync) => void): DatabaseSync {
  return speaking(path, () => {
    const database = new DatabaseSync(path, { timeout: 0 })
    try {
      database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
      database.exec('PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; PRAGMA journal_size_limit = 16777216')
      database.exec('BEGIN IMMEDIATE; COMMIT')
      prepare(database)
      return database
    } catch (failure) {
      database.close()
      throw failure
    }
  })
}

function checkPages(database: DatabaseSync, path: string): void {
  const verdict = String(database.prepare('PRAGMA quick_check(1)').get()?.quick_check)
  if (verdict !== 'ok') throw damagedFile(path, verdict)
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

function ignoring(code: string, work: () => void): void {
  try {
    work()
  } catch (failure) {
    if (!(failure instanceof Error && 'code' in failure && failure.code === code)) throw failure
  }
}
