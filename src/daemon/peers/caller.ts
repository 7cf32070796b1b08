/** For whom a host asks another one: a header that is believed from hosts alone. */
import { CroftError } from '../../api/errors.ts'
import type { Caller } from '../http/access.ts'

export const callerHeader = 'x-croft-caller'

export const writeCaller = ({ name, role, token }: Caller): string =>
  JSON.stringify({ name, role, ...(token === undefined ? {} : { token }) })

/** `via` is the host that carries it. */
export function readCaller(text: string, via: string): Caller {
  const { name, role, token, ...rest } = parse(text)
  const isSound =
    isPlain(name) &&
    (role === 'operator' || role === 'reader') &&
    (token === undefined || isPlain(token)) &&
    Object.keys(rest).length === 0
  if (!isSound) throw wrong()
  return { name, role, via, ...(token === undefined ? {} : { token }) }
}

function parse(text: string): Record<string, unknown> {
  if (text.length > 1000) throw wrong()
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {}
  throw wrong()
}

const isPlain = (value: unknown): value is string => typeof value === 'string' && /^[\x20-\x7e]{1,200}$/.test(value)

const wrong = (): CroftError => new CroftError('BAD_REQUEST', `${callerHeader} is malformed`)
