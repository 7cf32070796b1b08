/**
 * One error class, one table of codes. What HTTP status and exit code a failure gets is decided by this table alone;
 * docs/errors.md is held to it by a test. Knows nothing of zod, so that the CLI can load it cheaply.
 */
type ErrorRow = { readonly status: number; readonly exit: number; readonly means: string }

const rows = {
  BAD_REQUEST: { status: 400, exit: 2, means: 'the request does not have the form this route takes' },
  BAD_VALUE: { status: 400, exit: 2, means: 'a value is malformed or out of its range' },
  USAGE: { status: 400, exit: 2, means: 'the command line does not parse; nothing was sent' },
  TOO_LARGE: { status: 413, exit: 2, means: 'the request or transaction is larger than the limit' },
  UNAUTHENTICATED: { status: 401, exit: 4, means: 'this door asks who you are, and was not shown' },
  TOO_MANY_ATTEMPTS: { status: 429, exit: 4, means: 'too many failed attempts from your address' },
  FORBIDDEN: { status: 403, exit: 4, means: 'your role does not allow this' },
  NEEDS_CONFIRMATION: { status: 403, exit: 4, means: 'this destroys something and was not confirmed' },
  REFUSED: { status: 403, exit: 4, means: 'a policy or the state of the thing forbids this' },
  NO_ROOM: { status: 403, exit: 4, means: 'no host can take that, or the one that was meant cannot' },
  LIMIT_REACHED: { status: 403, exit: 4, means: 'a limit of the farm or host is reached' },
  NOT_FOUND: { status: 404, exit: 3, means: 'there is no such thing, or you may not see it' },
  GUEST_NOT_FOUND: { status: 404, exit: 3, means: 'no guest has that name' },
  TEMPLATE_NOT_FOUND: { status: 404, exit: 3, means: 'no template has that name and version' },
  SNAPSHOT_NOT_FOUND: { status: 404, exit: 3, means: 'the guest has no snapshot of that name' },
  OPERATION_NOT_FOUND: { status: 404, exit: 3, means: 'no operation has that id (finished ones are kept for a while)' },
  EXISTS: { status: 409, exit: 5, means: 'something of that name is there already' },
  IN_USE: { status: 409, exit: 5, means: 'something else needs it' },
  BUSY: { status: 409, exit: 5, means: 'another operation is at work on it' },
  NOT_RUNNING: { status: 409, exit: 5, means: 'the guest must be running for this' },
  CHANGED_MEANWHILE: { status: 409, exit: 5, means: 'the record was changed since you read it' },
  COMPACTED: { status: 410, exit: 5, means: 'the cursor is older than what is kept, or of another store' },
  NOT_INITIALISED: { status: 409, exit: 5, means: 'this host has no farm yet' },
  FAILED: { status: 500, exit: 1, means: 'it was tried and failed' },
  COMMAND_FAILED: { status: 500, exit: 1, means: 'a tool of the host failed; its last lines are in the message' },
  COMMAND_MISSING: { status: 500, exit: 1, means: 'a tool of the host is not installed' },
  START_FAILED: { status: 500, exit: 1, means: 'the guest did not start' },
  GAVE_UP: { status: 500, exit: 1, means: 'it failed five times in a row and is not tried again until asked' },
  BUILD_FAILED: { status: 500, exit: 1, means: 'the template or release could not be built' },
  TEMPLATE_UNSAFE: { status: 500, exit: 1, means: 'the template holds something that no template may hold' },
  HASH_DIFFERS: { status: 422, exit: 1, means: 'what came has not the sha256 that was named; nothing of it was kept' },
  POOL_FULL: { status: 507, exit: 1, means: 'the pool has no room left' },
  POOL_MISSING: { status: 503, exit: 7, means: 'the pool is not mounted or not there' },
  DATA_LOST: { status: 500, exit: 1, means: 'a disk that was there is gone; it is never made anew in silence' },
  CANCELLED: { status: 409, exit: 1, means: 'the operation was cancelled' },
  PARTLY_FAILED: { status: 500, exit: 6, means: 'some of several failed' },
  STORE_CLOSED: { status: 503, exit: 7, means: 'the store cannot be reached' },
  OUTCOME_UNKNOWN: { status: 503, exit: 7, means: 'the store went away in the middle: it may have been done or not' },
  STORE_MOVING: { status: 503, exit: 7, means: 'the store is moving to etcd: nothing is written for some seconds' },
  UNREACHABLE: { status: 503, exit: 7, means: 'the daemon does not answer' },
  HOST_UNREACHABLE: { status: 503, exit: 7, means: 'another host of the farm does not answer' },
  HOST_TOO_OLD: { status: 409, exit: 5, means: 'another host of the farm has a croft that cannot do this yet' },
  ELSEWHERE: { status: 421, exit: 5, means: 'it is on another host of the farm, and this is not carried there' },
  TIMEOUT: { status: 504, exit: 8, means: 'it took too long; the work goes on' },
  RED: { status: 200, exit: 9, means: 'a check found something that must be mended' },
  DIFFERS: { status: 200, exit: 10, means: 'there are differences' },
  INTERNAL: { status: 500, exit: 1, means: 'a fault of croft itself' },
} as const satisfies Record<string, ErrorRow>

export type ErrorCode = keyof typeof rows
export const errorTable: Readonly<Record<ErrorCode, ErrorRow>> = rows

/** What a failure looks like on the wire and in `--json`. `op` is the operation that goes on or has failed. */
export interface ErrorBody {
  readonly code: ErrorCode
  readonly message: string
  readonly hint?: string
  readonly op?: string
}

/** `message` is one line of what and where, more lines are the reason's own last words; `hint` is a command to try. */
export class CroftError extends Error {
  readonly code: ErrorCode
  readonly hint: string | undefined

  /** The command and the daemon are bundles with a copy of this class each; what crosses between them is known by name and code. */
  static override [Symbol.hasInstance](thrown: unknown): boolean {
    return thrown instanceof Error && thrown.name === 'CroftError' && 'code' in thrown && isErrorCode(thrown.code)
  }

  constructor(code: ErrorCode, message: string, options: { hint?: string | undefined; cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : {})
    this.name = 'CroftError'
    this.code = code
    this.hint = options.hint
  }

  toBody(): ErrorBody {
    return { code: this.code, message: this.message, ...(this.hint === undefined ? {} : { hint: this.hint }) }
  }
}

const isErrorCode = (code: unknown): boolean => typeof code === 'string' && Object.hasOwn(rows, code)

/** Any thrown value as a CroftError; what croft did not foresee becomes INTERNAL. */
export function toCroftError(thrown: unknown): CroftError {
  if (thrown instanceof CroftError) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return new CroftError('INTERNAL', message, { hint: 'croft doctor', cause: thrown })
}

export function isCode(thrown: unknown, code: ErrorCode): boolean {
  return thrown instanceof CroftError && thrown.code === code
}
