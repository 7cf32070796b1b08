/** The command line as a value. Throws nothing but CroftError USAGE; nothing has been sent then. */
import { CroftError } from '../../api/errors.ts'
import { nearest } from '../../api/nearest.ts'
import { type CommandRow, commandName, type Noun } from '../command.ts'
import { type Args, bindArgs, splitSettings } from './args.ts'
import { everywhere, type FlagName, Flags, flagNames, flagRow, flagsOf } from './flags.ts'
import { findCommand, type Word } from './grammar.ts'
import { type Option, tokens } from './tokens.ts'

export type Parsed =
  | {
      readonly kind: 'run'
      readonly row: CommandRow
      readonly noun: Noun | undefined
      readonly args: Args
      readonly settings: readonly (readonly [key: string, value: string])[]
      readonly flags: Flags
      /** The words behind `--`; undefined when there was none. */
      readonly command: readonly string[] | undefined
      readonly notes: readonly string[]
    }
  | { readonly kind: 'help'; readonly words: readonly string[] }
  /** Perhaps an executable `croft-WORD`; if not, this is the error. */
  | {
      readonly kind: 'unknown'
      readonly word: string
      readonly rest: readonly string[]
      readonly error: CroftError
    }

export function parse(table: readonly CommandRow[], argv: readonly string[]): Parsed {
  if (argv[0] === '--version' || argv[0] === '-V') return parse(table, ['version', ...argv.slice(1)])
  const end = argv.indexOf('--')
  const own = end < 0 ? argv : argv.slice(0, end)
  const behind = end < 0 ? undefined : argv.slice(end + 1)
  const words = tokens(own, flagNames).words
  const found = findCommand(table, words)
  if (found.kind === 'help') return words.length === 0 ? withoutWords(own) : found
  if (found.kind === 'unknown') return unknown(found.error, argv)
  const { row, noun, used, notes } = found
  const grammar = new Set(words.slice(0, used).map((word) => word.index))
  const cut = row.command && behind === undefined ? commandStart(row, own, grammar) : own.length
  const command = behind ?? (cut < own.length ? own.slice(cut) : undefined)
  const { words: all, flags } = readFlags(row, own.slice(0, cut))
  if (flags.has('help')) return { kind: 'help', words: row.noun ? [row.noun, row.verb] : [row.verb] }
  if (command && !row.command) throw usage(row, 'takes no words behind --')
  const { plain, settings } = splitSettings(
    row,
    all.filter((word) => !grammar.has(word.index)).map((word) => word.value),
  )
  return { kind: 'run', row, noun, args: bindArgs(row, plain), settings, flags, command, notes }
}

/** Nothing at all, or only a call for help. */
function withoutWords(own: readonly string[]): Parsed {
  if (own.every((word) => word === '-h' || word === '--help')) return { kind: 'help', words: [] }
  throw new CroftError('USAGE', 'there is no command', { hint: 'croft help' })
}

function unknown(error: CroftError, argv: readonly string[]): Parsed {
  const [word = '', ...rest] = argv
  if (word.startsWith('-')) throw error
  return { kind: 'unknown', word, rest, error }
}

/** With one name a program may follow without `--`: from its first word on nothing is croft's. */
function commandStart(row: CommandRow, own: readonly string[], grammar: ReadonlySet<number>): number {
  const words = tokens(own, ownFirst(row)).words.filter((word) => !grammar.has(word.index))
  return words[1]?.index ?? own.length
}

function readFlags(row: CommandRow, own: readonly string[]): { words: readonly Word[]; flags: Flags } {
  const { words, options } = tokens(own, ownFirst(row))
  const taken = new Set(flagsOf(row))
  const given = new Map<FlagName, string[]>()
  for (const option of options) {
    const name = flagNames.find((candidate) => candidate === option.name)
    if (name === undefined) throw unknownFlag(row, option.raw)
    if (!taken.has(name)) throw usage(row, `does not take ${option.raw}`)
    given.set(name, [...(given.get(name) ?? []), flagValue(row, name, option)])
  }
  return { words, flags: new Flags(given) }
}

function flagValue(row: CommandRow, name: FlagName, option: Option): string {
  const { value: takes, optional } = flagRow(name)
  if (takes === undefined) {
    if (option.inline) throw usage(row, `${option.raw} takes no value`)
    return ''
  }
  if (optional) return option.value ?? ''
  const { value, inline } = option
  const looksLikeFlag = value !== undefined && !inline && name !== 'sort' && /^-./.test(value)
  if (value === undefined || looksLikeFlag)
    throw usage(row, `${option.raw} needs ${takes}`, `--${name} ${takes}   (${flagRow(name).means})`)
  return value
}

/** Two flags may share a letter when no command takes both: the command's own come first. */
export function ownFirst(row: CommandRow): readonly FlagName[] {
  return [...new Set([...flagsOf(row), ...flagNames])]
}

function unknownFlag(row: CommandRow, raw: string): CroftError {
  const [word = ''] = raw.replace(/^-+/, '').split('=')
  const meant = word === 'on' && row.flags.includes('host') ? 'host' : nearest(word, flagsOf(row))
  const own = flagsOf(row).filter((name) => !everywhere.includes(name))
  const all =
    own.length === 0 ? undefined : `croft help ${commandName(row)}   (${own.map((name) => `--${name}`).join(' ')})`
  return usage(row, `does not know ${raw}`, meant && raw.startsWith('--') ? `--${meant}` : all)
}

function usage(row: CommandRow, what: string, hint?: string): CroftError {
  const name = commandName(row)
  return new CroftError('USAGE', `croft ${name}: ${what}`, { hint: hint ?? `croft help ${name}` })
}
