/** Addresses are checked again before they become words of a command. */
import { isIP } from 'node:net'
import { CroftError } from '../../api/errors.ts'

export function checkAddress(address: string): void {
  if (isIP(address) === 0 || address.includes('%'))
    throw new CroftError('BAD_VALUE', `${JSON.stringify(String(address).slice(0, 60))} is no address`)
}
