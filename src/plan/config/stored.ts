/** What is set of a site and kept in the store: values by path, for the stage, for one host, or for one instance. Pure. */
import type { LayerName } from '../../api/app.ts'
import { CroftError } from '../../api/errors.ts'
import { flatten, unflatten } from './paths.ts'
import type { Layer } from './resolve.ts'
import { checkPath, setValue } from './set.ts'

export interface Stored {
  readonly value: unknown
  readonly by: string
  readonly at: string
}
export type StoredValues = Readonly<Record<string, Stored>>
type Mark = Pick<Stored, 'by' | 'at'>

/** What it is said for: of neither, the stage. */
export interface Scope {
  readonly host?: string | undefined
  readonly slot?: number | undefined
}

export interface Setting extends Scope, Mark {
  readonly set: Readonly<Record<string, unknown>>
  readonly unset: readonly string[]
}

export function setStored(values: StoredValues, setting: Setting): StoredValues {
  const prefix = prefixOf(setting)
  const { by, at } = setting
  const next = new Map(Object.entries(values))
  for (const path of setting.unset) {
    const key = prefix + checkPath(path).join('.')
    if (!next.delete(key))
      throw new CroftError('NOT_FOUND', `nothing is set at ${key.slice(0, 200)}`, {
        hint: 'croft config show SITE --explain',
      })
  }
  for (const [path, value] of Object.entries(setting.set)) {
    assertPlace(path, prefix)
    for (const [place, said] of flatten(setValue({}, path, value))) {
      // Said again it is still what it was, by whom it was.
      const key = prefix + place
      if (!same(next.get(key)?.value, said)) next.set(key, { value: said, by, at })
    }
  }
  return Object.fromEntries(next)
}

/** The layer that these are; undefined when there is nothing of it. */
export function layerOf(values: StoredValues, scope: Scope = {}): Layer | undefined {
  const prefix = prefixOf(scope)
  const mine = Object.entries(values)
    .filter(([key]) => key.startsWith(prefix) && !key.slice(prefix.length).includes(' '))
    .map(([key, stored]) => [key.slice(prefix.length), stored] as const)
  if (mine.length === 0) return undefined
  const { name, from } = sourceOf(scope)
  return {
    ...{ name, from },
    config: unflatten(new Map(mine.map(([path, { value }]) => [path, value]))),
    origins: Object.fromEntries(mine.map(([path, { by, at }]) => [path, { layer: name, from, by, at }])),
  }
}

export type Plain = Readonly<Record<string, unknown>>
export interface Changed {
  readonly before: Plain
  readonly after: Plain
}

/** What a change changed, for history: what differs alone, without who and when. */
export function changedValues(before: StoredValues, after: StoredValues): Changed {
  const keys = namesOf(before, after).filter((key) => !same(before[key]?.value, after[key]?.value))
  const of = (values: StoredValues): Plain =>
    Object.fromEntries(keys.flatMap((key) => (values[key] ? [[key, values[key].value]] : [])))
  return { before: of(before), after: of(after) }
}

/** What that change touched is as it was before; refused when it was set anew since. */
export function revertStored(now: StoredValues, entry: Changed, { by, at }: Mark): StoredValues {
  const next = new Map(Object.entries(now))
  for (const key of namesOf(entry.before, entry.after)) {
    const [was, became, is] = [entry.before[key], entry.after[key], now[key]?.value]
    if (same(is, was)) continue
    if (!same(is, became))
      throw new CroftError('CHANGED_MEANWHILE', `${key} was set anew since; it is not put back`, {
        hint: 'croft config show SITE --explain',
      })
    if (was === undefined) next.delete(key)
    else next.set(key, { value: was, by, at })
  }
  return Object.fromEntries(next)
}

/** What instances are made from is as it was then; how many there are, how large, and under which names they are reached, stays. */
export function takeBack(now: StoredValues, then: StoredValues, { by, at }: Mark): StoredValues {
  const next = new Map<string, Stored>()
  for (const key of namesOf(now, then)) {
    const [is, was] = [now[key], then[key]]
    const stays = /^(?:\S+ \S+ )?(?:instances|route)\./.test(key) || same(is?.value, was?.value)
    if (stays && is) next.set(key, is)
    if (!stays && was) next.set(key, { value: was.value, by, at })
  }
  return Object.fromEntries(next)
}

const namesOf = (one: object, other: object): string[] => [...new Set([...Object.keys(one), ...Object.keys(other)])]
const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other)

/** Paths hold no blanks, so that nothing of one scope can be taken for another's. */
function prefixOf({ host, slot }: Scope): string {
  if (slot !== undefined) return `instance ${slot} `
  return host === undefined ? '' : `host ${host} `
}

function sourceOf({ host, slot }: Scope): { readonly name: LayerName; readonly from: string } {
  if (slot !== undefined) return { name: 'instance', from: `croft config set --instance ${slot}` }
  return host === undefined
    ? { name: 'stage', from: 'croft config set' }
    : { name: 'host', from: `croft config set --host ${host}` }
}

/** Of a release nothing can be said any more; of the whole site nothing by a part of it. */
function assertPlace(path: string, prefix: string): void {
  const [section = '', ...rest] = checkPath(path)
  if (rest.some((name) => name.includes(' ')))
    throw new CroftError('BAD_VALUE', `"${path.slice(0, 100)}" holds a blank`)
  if (section === 'build' || section === 'app')
    throw new CroftError('BAD_VALUE', `${path.slice(0, 100)} is not of one site: a release is built for all of them`, {
      hint: `[${section}] in croft.toml, and croft build`,
    })
  if (prefix !== '' && ['route', 'data', 'instances'].includes(section))
    throw new CroftError('BAD_VALUE', `${path.slice(0, 100)} is of the whole site, not of one host or instance of it`)
}
