/**
 * One daemon for a state directory, also while the store cannot tell: a lock of the kernel on an empty file that only root
 * reaches. It ends with its process, however that ends. A socket's name would be anybody's while no daemon runs.
 */
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { CroftError } from '../api/errors.ts'

const sqliteBusy = 5

export interface Alone {
  close(): void
}

export function holdAlone(stateDir: string): Alone {
  const alone = tryAlone(stateDir)
  if (alone) return alone
  throw new CroftError('BUSY', `a croft daemon runs on ${stateDir} already`, { hint: 'croft status' })
}

/** Undefined while a daemon has it. */
export function tryAlone(stateDir: string): Alone | undefined {
  const file = join(stateDir, 'alone')
  try {
    closeSync(openSync(file, 'a', 0o600))
    const lock = new DatabaseSync(file, { timeout: 0 })
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    return { close: () => lock.close() }
  } catch (cause) {
    if ((cause as { errcode?: number }).errcode === sqliteBusy) return undefined
    // A disk in trouble keeps no daemon away: it has guests to bring back by its kept plan.
    return { close() {} }
  }
}
