/** Where a wrong value stands: in a line of croft.toml, or who set it. Pure. */
import { CroftError } from '../../api/errors.ts'
import { type Layer, originsOf } from './resolve.ts'
import { pathOf } from './wrong.ts'

/** `croft.toml:12:3`, of a path or of what is nearest above it. */
export type Where = (path: string) => string | undefined

/** What was thrown, with its place where one is known. */
export function placed(thrown: unknown, layers: readonly Layer[], where?: Where): unknown {
  const path = pathOf(thrown)
  if (path === undefined || !(thrown instanceof CroftError)) return thrown
  const origin = originsOf(layers)[path]
  const place = origin === undefined || origin.layer === 'app' ? where?.(path) : undefined
  const isSet = origin !== undefined && origin.layer !== 'app' && origin.layer !== 'platform'
  const before = place === undefined ? '' : `${place}: `
  const behind = isSet ? ` (${path} by ${origin.from})` : ''
  return new CroftError(thrown.code, `${before}${thrown.message}${behind}`, { hint: thrown.hint })
}
