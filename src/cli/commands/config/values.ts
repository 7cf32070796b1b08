import { CroftError } from '../../../api/errors.ts'
import type { Context } from '../../context.ts'

/** As it would stand in croft.toml; what is set of a list keeps its commas. */
export function valueText(value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return value
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
    ? value.join(',')
    : JSON.stringify(value)
}

/** Of what the values are: the site, or a part of it. */
export function scopeOf({ flags }: Context): { readonly instance?: string; readonly host?: string } {
  const [instance, host] = [flags.text('instance'), flags.text('host')]
  if (instance !== undefined && host !== undefined)
    throw new CroftError('USAGE', 'it is said for a host or for an instance, not for both')
  return { ...(instance === undefined ? {} : { instance }), ...(host === undefined ? {} : { host }) }
}

/** `env.A=1` → the path and what is behind the first `=`. */
export function readAssignment(word: string): readonly [path: string, value: string] {
  const at = word.indexOf('=')
  if (at > 0) return [word.slice(0, at), word.slice(at + 1)]
  throw new CroftError('USAGE', `"${word}" sets nothing`, {
    hint: 'say SETTING=VALUE, like env.DB_HOST=db instances.count=3',
  })
}
