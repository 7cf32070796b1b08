/** The one policy function. Who the caller is comes from the door they used; what they may follows from the route's row. */

import { CroftError } from '../../api/errors.ts'
import type { Access, Role } from '../../api/routes.ts'

export interface Caller {
  readonly name: string
  readonly role: Role
  /** The name of the token that was shown. */
  readonly token?: string
  /** The id of the invitation that was shown. */
  readonly invitation?: string
  /** The address that he came from with it. */
  readonly from?: string
  /** The host of the farm that carries the request. */
  readonly via?: string
}

const readerMay: ReadonlySet<Access['verb']> = new Set(['read'])

export function may(caller: Caller, access: Access): boolean {
  if (caller.role === 'newcomer') return access.noun === 'login'
  if (caller.role === 'invited') return access.noun === 'invitation'
  // What hosts say to each other is nobody else's, and they may all that an operator may: each is root of the farm.
  if (access.noun === 'peer') return caller.role === 'host'
  if (caller.role === 'host') return true
  return caller.role === 'operator' || (caller.role === 'reader' && readerMay.has(access.verb))
}

export function assertMay(caller: Caller, access: Access): void {
  if (may(caller, access)) return
  throw new CroftError('FORBIDDEN', `${caller.name} (${caller.role}) may not ${access.verb} a ${access.noun}`, {
    hint: 'ask an operator of the farm',
  })
}

/** Hosts are root's: who shows a token is trusted with guests, also where another host carries what he asks. */
export function assertRoot({ token }: Caller, what: string, command: string): void {
  if (token === undefined) return
  throw new CroftError('FORBIDDEN', `${what} by root on a host of the farm`, { hint: `there: ${command}` })
}
