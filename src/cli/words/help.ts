/** Help, made from the table. */
import { CroftError } from '../../api/errors.ts'
import { type CommandRow, commandName, nouns } from '../command.ts'
import { everywhere, type FlagName, flagRow, flagsOf } from './flags.ts'
import { findCommand, findNoun } from './grammar.ts'
import { isTomlWord, tomlHelp } from './help-toml.ts'
import { type SettingName, settingTable } from './setting-table.ts'

/** `externals` are the words that executables `croft-WORD` on the PATH add. */
export function helpText(
  table: readonly CommandRow[],
  words: readonly string[],
  externals: readonly string[] = [],
): string {
  if (words.length === 0) return overview(table, externals)
  if (words.length === 1 && isTomlWord(words[0])) return tomlHelp
  const noun = words.length === 1 ? findNoun(words[0]) : undefined
  if (noun) return nounHelp(table, noun)
  const found = findCommand(
    table,
    words.map((value, index) => ({ value, index })),
  )
  if (found.kind === 'command') return commandHelp(found.row)
  if (found.kind === 'unknown' && externals.includes(words[0] ?? ''))
    return `croft ${words[0]} is croft-${words[0]} on your PATH: croft ${words[0]} --help\n`
  if (found.kind === 'unknown') throw found.error
  const itself = table.find((row) => row.verb === 'help')
  if (itself) return commandHelp(itself)
  throw new CroftError('USAGE', 'help about what?', { hint: 'croft help' })
}

function overview(table: readonly CommandRow[], externals: readonly string[]): string {
  const shown = table.filter((row) => !row.hidden)
  const groups = [undefined, ...nouns].flatMap((noun) => {
    const rows = shown.filter((row) => row.noun === noun)
    const title = noun === undefined ? 'croft' : noun === 'guest' ? 'guest (the word may be left out)' : noun
    return rows.length === 0 ? [] : [`${title}\n${listing(rows)}`]
  })
  return [
    'croft [NOUN] VERB [NAME…] [key=value…] [-- command]\n',
    ...groups,
    ...(externals.length === 0
      ? []
      : [`from your PATH\n${externals.map((word) => `  ${word}  croft-${word}\n`).join('')}`]),
    `point at things\n${pointing}`,
    `flags everywhere\n${flagLines(everywhere)}`,
    'croft help COMMAND says more and shows examples; croft help toml: what a croft.toml says.\n',
  ].join('\n')
}

const pointing = `${[
  'web  guest      web@monday  snapshot      debian:12  template',
  "'web*'  glob      -l owner=lark  label      -  names from stdin",
]
  .map((line) => `  ${line}`)
  .join('\n')}\n`

function nounHelp(table: readonly CommandRow[], noun: string): string {
  return `${noun}\n${listing(table.filter((row) => row.noun === noun))}\ncroft help ${noun} VERB says more.\n`
}

function listing(rows: readonly CommandRow[]): string {
  const names = rows.map((row) => [commandName(row), ...row.args].join(' '))
  const room = Math.min(30, Math.max(...names.map((name) => name.length)))
  return rows.map((row, index) => `  ${(names[index] ?? '').padEnd(room)}  ${row.summary}\n`).join('')
}

function commandHelp(row: CommandRow): string {
  const own = flagsOf(row).filter((name) => !everywhere.includes(name))
  const parts = [`${usageLine(row)}\n  ${row.summary}\n`]
  if (row.description) parts.push(wrapped(row.description))
  if (row.settings) parts.push(`settings\n${settingLines(row.settings)}`)
  if (own.length > 0) parts.push(`flags\n${flagLines(own)}`)
  parts.push(`flags everywhere (croft help explains them)\n  ${everywhere.map(shortest).join(' ')}\n`)
  parts.push(`examples\n${row.examples.map((example) => `  ${example}\n`).join('')}`)
  return parts.join('\n')
}

/** `croft create NAME TEMPLATE [key=value…]` */
export function usageLine(row: CommandRow): string {
  return [
    'croft',
    commandName(row),
    ...row.args,
    ...(row.settings ? ['[key=value…]'] : []),
    ...(row.command === 'required' ? ['-- COMMAND…'] : row.command ? ['[-- COMMAND…]'] : []),
  ].join(' ')
}

const lineWidth = 100

function wrapped(text: string): string {
  const lines = ['']
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? ''
    if (last.length + 1 + word.length > lineWidth) lines.push(word)
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`
  }
  return lines.map((line) => `  ${line}\n`).join('')
}

/** What a flag of the same name explains is said there. */
function settingLines(names: readonly SettingName[]): string {
  return aligned(
    names.map((name) => {
      const { value, means } = settingOf(name)
      return { word: `${name === 'label.*' ? 'label.KEY' : name}=${value}`, means }
    }),
  )
}

export function settingOf(name: SettingName): { readonly value: string; readonly means: string } {
  const rows: Readonly<Partial<Record<SettingName, { readonly value: string; readonly means: string }>>> = settingTable
  return rows[name] ?? { value: '…', means: `as --${name}` }
}

const shortest = (name: FlagName): string => {
  const { short } = flagRow(name)
  return short === undefined ? `--${name}` : `-${short}`
}

function flagLines(names: readonly FlagName[]): string {
  return aligned(
    names.map((name) => {
      const { short } = flagRow(name)
      return { word: `${short ? `-${short}, ` : '    '}${flagWord(name)}`, means: flagRow(name).means }
    }),
  )
}

/** `--wait[=stable]`, `--timeout TIME` */
export function flagWord(name: FlagName): string {
  const { value, optional } = flagRow(name)
  return `--${name}${value === undefined ? '' : optional ? `[=${value}]` : ` ${value}`}`
}

function aligned(lines: readonly { readonly word: string; readonly means: string }[]): string {
  const room = Math.min(44, Math.max(...lines.map(({ word }) => word.length)))
  return lines.map(({ word, means }) => `  ${word.padEnd(room)}  ${means}\n`).join('')
}
