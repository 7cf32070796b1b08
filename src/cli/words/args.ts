/** Words by name, as the row declares them, and `key=value` words apart from them. */
import { CroftError } from '../../api/errors.ts'
import { nearest } from '../../api/nearest.ts'
import { type CommandRow, commandName } from '../command.ts'

export class Args {
  readonly #byName: ReadonlyMap<string, readonly string[]>

  constructor(byName: ReadonlyMap<string, readonly string[]>) {
    this.#byName = byName
  }

  /** A word that the row requires. */
  one(name: string): string {
    const word = this.maybe(name)
    if (word === undefined) throw new CroftError('USAGE', `${name} is missing`, { hint: 'croft help' })
    return word
  }

  maybe(name: string): string | undefined {
    return this.#byName.get(name)?.[0]
  }

  many(name: string): readonly string[] {
    return this.#byName.get(name) ?? []
  }
}

/** `[NAME...]` → name NAME, optional, many. */
export function readArg(text: string): { readonly name: string; readonly optional: boolean; readonly many: boolean } {
  const name = text.replace(/[[\].]/g, '')
  return { name, optional: text.startsWith('['), many: text.includes('...') }
}

export function bindArgs(row: CommandRow, words: readonly string[]): Args {
  const byName = new Map<string, readonly string[]>()
  let next = 0
  for (const [index, { name, optional, many }] of row.args.map(readArg).entries()) {
    const later = row.args.length - index - 1
    const taken = words.slice(next, many ? Math.max(next, words.length - later) : next + 1)
    next += taken.length
    if (taken.length === 0 && !optional) throw wrong(row, `${name} is missing`)
    byName.set(name, taken)
  }
  const extra = words[next]
  if (extra !== undefined) throw wrong(row, `"${extra}" is one word too many`)
  return new Args(byName)
}

const settingWord = /^([a-z][A-Za-z0-9._-]*)=/

export function splitSettings(
  row: CommandRow,
  words: readonly string[],
): { plain: readonly string[]; settings: readonly (readonly [string, string])[] } {
  const allowed = row.settings
  if (!allowed) return { plain: words, settings: [] }
  const plain: string[] = []
  const settings: [string, string][] = []
  for (const word of words) {
    const key = settingWord.exec(word)?.[1]
    if (key === undefined) plain.push(word)
    else if (isAllowed(allowed, key)) settings.push([key, word.slice(key.length + 1)])
    else throw unknownSetting(row, allowed, word)
  }
  return { plain, settings }
}

function isAllowed(allowed: readonly string[], key: string): boolean {
  return allowed.some((name) =>
    name.endsWith('.*') ? key.startsWith(name.slice(0, -1)) && key.length >= name.length : name === key,
  )
}

function unknownSetting(row: CommandRow, allowed: readonly string[], word: string): CroftError {
  const key = word.slice(0, word.indexOf('='))
  if (row.flags.some((flag) => flag === key))
    return new CroftError('USAGE', `croft ${commandName(row)}: ${key} is a flag`, {
      hint: `--${key} ${word.slice(key.length + 1)}`,
    })
  const meant = nearest(key, allowed)
  return new CroftError('USAGE', `croft ${commandName(row)}: there is no setting "${key}"`, {
    hint: meant ? `${meant}=` : `settings are ${allowed.join(' ')}`,
  })
}

function wrong(row: CommandRow, what: string): CroftError {
  const name = commandName(row)
  const form = `croft ${[name, ...row.args].join(' ')}${row.command ? ' -- COMMAND' : ''}`
  const [example] = row.examples
  return new CroftError('USAGE', `croft ${name}: ${what}`, {
    hint: example === undefined || example === form ? form : `${form}   like: ${example}`,
  })
}
