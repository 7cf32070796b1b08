/** SQLite's failures in croft's words; the numbers are SQLite's primary result codes. */
import { CroftError, type ErrorCode } from '../../api/errors.ts'

interface Fault {
  readonly code: ErrorCode
  readonly says: string
  readonly hint: string
}

const busy: Fault = {
  code: 'BUSY',
  says: 'is open in another process, most likely a croft daemon',
  hint: 'croft status',
}
const damaged: Fault = { code: 'DATA_LOST', says: 'is damaged', hint: 'croft doctor' }
const unreliable: Fault = { code: 'STORE_CLOSED', says: 'could not be read or written', hint: 'croft doctor' }

const faults: Readonly<Record<number, Fault>> = {
  5: busy,
  6: busy,
  8: { code: 'FAILED', says: 'cannot be written', hint: 'croft doctor' },
  10: unreliable,
  11: damaged,
  13: { code: 'FAILED', says: 'cannot grow: its disk is full', hint: 'croft doctor' },
  14: { code: 'FAILED', says: 'cannot be opened', hint: 'croft doctor' },
  26: damaged,
}

/** Runs work on the file at `path`; what SQLite throws comes out as a CroftError that names it. */
export function speaking<Result>(path: string, work: () => Result): Result {
  try {
    return work()
  } catch (cause) {
    if (cause instanceof CroftError) throw cause
    throw toStoreError(path, cause)
  }
}

function toStoreError(path: string, cause: unknown): CroftError {
  const message = cause instanceof Error ? cause.message : String(cause)
  const fault = faults[primaryCode(cause)]
  if (fault === undefined) return new CroftError('INTERNAL', `the store ${path}: ${message}`, { cause })
  return new CroftError(fault.code, `the store ${path} ${fault.says}: ${message}`, { hint: fault.hint, cause })
}

/** The low byte; the rest tells apart kinds of the same failure. */
function primaryCode(cause: unknown): number {
  if (!(cause instanceof Error) || !('errcode' in cause) || typeof cause.errcode !== 'number') return 0
  return cause.errcode & 0xff
}

export const damagedFile = (path: string, why: string): CroftError =>
  new CroftError('DATA_LOST', `the store ${path} is damaged: ${why}`, { hint: 'croft doctor' })
