/** What may stand where the cursor is, from the table of commands. Pure: names of the farm are only asked for by kind. */

import { type CommandRow, type Noun, nouns } from '../command.ts'
import { readArg } from './args.ts'
import { type FlagName, flagNames, flagRow, flagsOf } from './flags.ts'
import { type Found, findCommand, findNoun } from './grammar.ts'
import { ownFirst } from './parse.ts'
import { type SettingName, settingTable } from './setting-table.ts'
import { tokens } from './tokens.ts'

/** Kinds of names that the farm knows. `newSnapshots` are guests with an @ behind, `guestPath` with `:/`, and what lies there. */
export type NameKind =
  | 'guest'
  | 'snapshot'
  | 'newSnapshot'
  | 'guestPath'
  | 'label'
  | 'labelKey'
  | 'template'
  | 'op'
  | 'host'
  | 'pool'
  | 'network'
  | 'size'
  | 'route'
  | 'app'
  | 'site'
  | 'build'
  | 'release'
  | 'version'
  | 'configPath'
  | 'configSetting'
  | 'secret'
  | 'volume'
  | 'token'
  | 'cert'

export interface Candidate {
  readonly word: string
  readonly means?: string
}

export interface Completion {
  readonly words: readonly Candidate[]
  /** `of` is the word before: the site whose versions, settings or secrets are meant. */
  readonly names?: { readonly kind: NameKind; readonly before: string; readonly of?: string }
  /** The shell knows better: names of files. */
  readonly files?: true
}

const nothing: Completion = { words: [] }

/** `typed` are the words behind `croft`; the last one is being typed. */
export function complete(
  table: readonly CommandRow[],
  typed: readonly string[],
  externals: readonly string[] = [],
): Completion {
  const current = typed.at(-1) ?? ''
  const before = typed.slice(0, -1)
  if (before.includes('--')) return { words: [], files: true }
  const said = tokens(before, flagNames).words
  const found = find(table, said)
  const row = found?.kind === 'command' ? found.row : undefined
  const names = row ? ownFirst(row) : flagNames
  const open = openFlag(before, names)
  if (open) return flagValues(open, '')
  const inline = /^--([a-z0-9-]+)=/.exec(current)
  const flag = inline && names.find((name) => name === inline[1])
  if (inline && flag) return flagValues(flag, `--${flag}=`)
  const words = tokens(before, names).words.map(({ value }) => value)
  if (words.length === 0) return current.startsWith('-') ? nothing : firstWords(table, externals)
  const noun = words.length === 1 ? findNoun(words[0]) : undefined
  if (noun) return { words: verbsOf(table, noun) }
  if (found?.kind === 'help') return firstWords(table, [])
  if (!row || found?.kind !== 'command') return { words: [], files: true }
  if (current.startsWith('-')) return { words: flagWords(row) }
  return argument(table, row, { words, used: found.used, noun: found.noun ?? row.noun, current })
}

function find(table: readonly CommandRow[], said: ReturnType<typeof tokens>['words']): Found | undefined {
  try {
    const found = findCommand(table, said)
    // `restore` alone stands for what is named behind it.
    const rows = found.kind === 'unknown' ? table.filter(({ verb }) => verb === said[0]?.value) : []
    const [row] = rows
    return row && rows.length === 1 ? { kind: 'command', row, used: 1, notes: [] } : found
  } catch {
    return undefined
  }
}

/** The flag that waits for the current word as its value. */
function openFlag(before: readonly string[], names: readonly FlagName[]): FlagName | undefined {
  if (!/^-/.test(before.at(-1) ?? '')) return undefined
  const last = tokens(before, names).options.at(-1)
  const name = names.find((each) => each === last?.name)
  if (name === undefined || last?.value !== undefined) return undefined
  const { value, optional } = flagRow(name)
  return value !== undefined && !optional ? name : undefined
}

function flagValues(name: FlagName, prefix: string): Completion {
  const { value = '', values = [] } = flagRow(name)
  if (/^(FILE|PATH|DEVICE)$/.test(value)) return { words: [], files: true }
  if (value === 'HOST') return { words: [], names: { kind: 'host', before: prefix } }
  if (name === 'label' || name === 'network') return { words: [], names: { kind: name, before: prefix } }
  return { words: values.map((word) => ({ word: `${prefix}${word}` })) }
}

function flagWords(row: CommandRow): Candidate[] {
  return flagsOf(row).map((name) => ({ word: `--${name}`, means: flagRow(name).means }))
}

function firstWords(table: readonly CommandRow[], externals: readonly string[]): Completion {
  const rows = table.filter((row) => !row.hidden && (row.noun === undefined || row.noun === 'guest'))
  return {
    words: [
      ...rows.map((row) => ({ word: row.verb, means: row.summary })),
      ...nouns.map((word) => ({ word, means: `what a ${word} has` })),
      ...externals.map((word) => ({ word, means: `croft-${word}` })),
    ],
  }
}

function verbsOf(table: readonly CommandRow[], noun: Noun): Candidate[] {
  const rows = table.filter((row) => !row.hidden && (row.noun === noun || row.anyNoun))
  return rows.map((row) => ({ word: row.verb, means: row.summary }))
}

interface Place {
  readonly words: readonly string[]
  readonly used: number
  readonly noun: Noun | undefined
  readonly current: string
}

/** A word of the command: a name, a setting, or the noun behind its verb. */
function argument(table: readonly CommandRow[], row: CommandRow, typed: Place): Completion {
  const { words, used, noun, current } = typed
  const setting = /^([a-z][a-z-]*)=/.exec(current)?.[1]
  if (row.settings && setting !== undefined) return settingValues(setting)
  if (row.settings?.includes('label.*') && current.startsWith('label.'))
    return { words: [], names: { kind: 'labelKey', before: 'label.' } }
  const plain = words.slice(used).filter((word) => !(row.settings && word.includes('=')))
  const args = row.args.map(readArg)
  const missing = args.filter(({ optional }) => !optional).length > plain.length
  const settings = missing ? [] : (row.settings ?? []).map(settingWord)
  const arg = args[plain.length] ?? (args.at(-1)?.many ? args.at(-1) : undefined)
  if (row.command && plain.length > 0) return { words: [], files: true }
  const kind = arg && kindOf(arg.name, { row, noun, current })
  const behindVerb = words.length === 1 && used === 1
  // Behind the first of several files comes another, or where they go.
  const several = args.some(({ name, many }) => many && name === 'FILE')
  const place = several && plain.length > 0 ? 'guestPath' : kind
  const files = several || arg?.name === 'FILE' || arg?.name === 'DEST'
  return {
    words: [
      ...settings,
      ...(wordsByArgument[arg?.name ?? ''] ?? []).map((word) => ({ word })),
      ...(arg?.name === 'WORD' ? firstWords(table, []).words : []),
      ...(behindVerb ? nounsOf(table, row) : []),
    ],
    ...(place === undefined
      ? {}
      : { names: { kind: place, before: '', ...(plain[0] === undefined ? {} : { of: plain[0] }) } }),
    ...(files ? { files } : {}),
  }
}

const settingWord = (name: SettingName): Candidate => {
  const rows: Readonly<Partial<Record<SettingName, { readonly means: string }>>> = settingTable
  const { means } = rows[name] ?? {}
  return { word: name === 'label.*' ? 'label.' : `${name}=`, ...(means === undefined ? {} : { means }) }
}

function settingValues(name: string): Completion {
  if (name === 'size') return { words: [], names: { kind: 'size', before: 'size=' } }
  const rows: Readonly<Record<string, { readonly value: string }>> = settingTable
  const values = Object.hasOwn(rows, name) ? (rows[name]?.value.split('|') ?? []) : []
  return { words: values.length > 1 ? values.map((value) => ({ word: `${name}=${value}` })) : [] }
}

/** `croft ls templates`: the nouns that have the verb too. */
function nounsOf(table: readonly CommandRow[], { verb, anyNoun }: CommandRow): Candidate[] {
  const having = nouns.filter(
    (noun) => noun !== 'guest' && (anyNoun || table.some((row) => row.noun === noun && row.verb === verb)),
  )
  return having.map((word) => ({ word }))
}

const wordsByArgument: Readonly<Record<string, readonly string[]>> = {
  SHELL: ['bash', 'zsh', 'fish'],
  METHOD: ['GET', 'POST', 'PATCH', 'PUT', 'DELETE'],
}

const byArgument: Readonly<Record<string, NameKind>> = {
  GUEST: 'guest',
  SNAPSHOT: 'snapshot',
  TEMPLATE: 'template',
  HOST: 'host',
  OPERATION: 'op',
  ROUTE: 'route',
  SIZE: 'size',
  APP: 'app',
  SITE: 'site',
  BUILD: 'build',
  RELEASE: 'release',
  VERSION: 'version',
  SETTING: 'configPath',
  'SETTING=VALUE': 'configSetting',
  SECRET: 'secret',
  VOLUME: 'volume',
  NETWORK: 'network',
  TOKEN: 'token',
  CERT: 'cert',
  'GUEST:PORT': 'guest',
  'GUEST:/PATH': 'guestPath',
}

const named: ReadonlySet<string> = new Set([
  'guest',
  'snapshot',
  'template',
  'op',
  'host',
  'pool',
  'network',
  'size',
  'route',
  'app',
  'site',
])

/** A new thing has no name yet; a NAME of any other command is of the noun that was said, else a guest's. */
function kindOf(arg: string, how: { row: CommandRow; noun: Noun | undefined; current: string }): NameKind | undefined {
  const { row, noun = 'guest', current } = how
  if (arg === 'GUEST' && current.includes('@')) return 'snapshot'
  if (arg === 'GUEST' && row.verb === 'edit' && current.includes(':/')) return 'guestPath'
  if (arg === 'SNAPSHOT' && row.verb === 'add') return 'newSnapshot'
  if (arg === 'TEMPLATE' && row.verb === 'build') return undefined
  // Made by this word, or a secret.
  if ((arg === 'NETWORK' && row.verb === 'create') || (arg === 'TOKEN' && (row.noun !== 'token' || row.verb === 'add')))
    return undefined
  if (arg !== 'NAME') return byArgument[arg]
  if (row.noun === 'guest' || row.verb === 'init') return undefined
  return named.has(noun) ? (noun as NameKind) : undefined
}
