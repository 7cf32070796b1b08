/** etcd's failures in croft's words. etcd tells its own apart by number and text; there is nothing else to go by. */
import { CroftError } from '../../api/errors.ts'

/**
 * No answer, or one that says that there is none now. `unsent`: nothing of the request can have taken effect, so it may be
 * asked again whatever it is.
 */
export class Lost extends Error {
  readonly unsent: boolean

  constructor(message: string, options: { readonly unsent: boolean }) {
    super(message)
    this.unsent = options.unsent
  }
}

/** What the gateway answers instead of a result. */
export interface Refusal {
  /** Of gRPC. */
  readonly code: number
  readonly message: string
}

/** gRPC's. */
const [deadlineExceeded, notFound, exhausted, unavailable] = [4, 5, 8, 14]

export const isCompacted = ({ message }: Refusal): boolean => message.includes('has been compacted')
export const isFuture = ({ message }: Refusal): boolean => message.includes('future revision')

export class Refused extends Error {
  readonly refusal: Refusal

  constructor(refusal: Refusal) {
    super(refusal.message)
    this.refusal = refusal
  }
}

export function toFailure(refusal: Refusal): Error {
  const { code, message } = refusal
  // A learner serves nobody; a member with too much to do has not begun.
  if (/learner|too many requests/.test(message)) return new Lost(message, { unsent: true })
  // Of members alone: asked elsewhere, the answer would be the same.
  if (message.includes('unhealthy cluster')) return new Refused(refusal)
  // Its gateway asks the member itself, and that one hung up.
  if (code === unavailable || code === deadlineExceeded || message.includes('transport: '))
    return new Lost(message, { unsent: false })
  return new Refused(refusal)
}

/** For callers: what a request that has a fault of its own, and not of the way there, failed with. */
export function toCroft(thrown: unknown): unknown {
  if (thrown instanceof Lost) return away(thrown.message)
  if (!(thrown instanceof Refused)) return thrown
  const { code, message } = thrown.refusal
  if (message.includes('lease not found')) return new CroftError('NOT_FOUND', 'the lease has run out')
  if (code === exhausted) {
    const says = `the store cannot grow: ${message}`
    return new CroftError('FAILED', says, { hint: 'croft farm store', cause: thrown })
  }
  return new CroftError(code === notFound ? 'NOT_FOUND' : 'FAILED', `the store: ${message}`, {
    hint: 'croft doctor',
    cause: thrown,
  })
}

export const away = (why: string): CroftError =>
  new CroftError('STORE_CLOSED', `the store does not answer: ${why}`, { hint: 'croft doctor' })

export const unknownOutcome = (why: string): CroftError =>
  new CroftError('OUTCOME_UNKNOWN', `the store went away in the middle, and may have taken this or not: ${why}`, {
    hint: 'croft status',
  })

export const compacted = (): CroftError =>
  new CroftError('COMPACTED', 'what the watch was following was compacted; list again and watch from there')
