/** What a command is: a row of the table, and a module whose `run` turns words into an answer. */
import type { Answer } from './answer.ts'
import type { Context } from './context.ts'
import type { FlagName } from './words/flags.ts'
import type { SettingName } from './words/setting-table.ts'

export const nouns = [
  'guest',
  'snapshot',
  'replica',
  'template',
  'host',
  'pool',
  'network',
  'address',
  'mount',
  'route',
  'app',
  'build',
  'release',
  'site',
  'instance',
  'config',
  'secret',
  'size',
  'volume',
  'op',
  'farm',
  'token',
  'cert',
  'data',
] as const
export type Noun = (typeof nouns)[number]

export interface CommandModule {
  run(context: Context): Promise<Answer>
}

export interface CommandRow {
  /** Absent for commands of croft itself, such as `status`. */
  readonly noun?: Noun
  readonly verb: string
  /** `NAME` once, `[NAME]` perhaps, `NAME...` one or more, `[NAME...]` any number; only one may be many. */
  readonly args: readonly string[]
  /** The `key=value` words it takes; `label.*` stands for every label. */
  readonly settings?: readonly SettingName[]
  /** Words for a program, after `--` or, with one name, right behind it. */
  readonly command?: 'required' | 'optional'
  /** Beside the flags that every command takes. */
  readonly flags: readonly FlagName[]
  /** Changes something: takes --dry-run, --wait, --timeout, --reason, --if-revision. */
  readonly changes?: true
  /** Takes several: globs, `-`, --label, --all, --parallel. */
  readonly bulk?: true
  /** Any noun may stand before or behind the verb and is handed on. */
  readonly anyNoun?: true
  /** Shown anew with --watch when something happens; `live`: also each second, for what changes without an event. */
  readonly watch?: true | 'live'
  readonly hidden?: true
  readonly summary: string
  readonly description?: string
  readonly examples: readonly string[]
  readonly run: () => Promise<CommandModule>
}

export const commandName = (row: CommandRow): string =>
  row.noun === undefined || row.noun === 'guest' ? row.verb : `${row.noun} ${row.verb}`
