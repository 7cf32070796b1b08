/** What a word should have looked like, told by the row of its command: for what was refused without a hint of its own. */
import type { ErrorBody } from '../../api/errors.ts'
import type { CommandRow } from '../command.ts'
import { type FlagName, flagRow, flagsOf } from './flags.ts'
import { flagWord, settingOf, usageLine } from './help.ts'

const ofWords: ReadonlySet<string> = new Set(['USAGE', 'BAD_VALUE', 'BAD_REQUEST'])

/** Of the setting or flag that the message begins with, else of the whole command, with an example. */
export function formOf(row: CommandRow, { code, message }: Pick<ErrorBody, 'code' | 'message'>): string | undefined {
  if (!ofWords.has(code)) return undefined
  const [, word = ''] = /^(?:--|query\.)?([a-z][\w-]*):? /.exec(message) ?? []
  const setting = row.settings?.find((name) => name === word)
  if (setting !== undefined) {
    const { value, means } = settingOf(setting)
    return `${setting}=${value}   (${means})`
  }
  const flag = flagsOf(row).find((name): name is FlagName => name === word)
  if (flag !== undefined && flagRow(flag).value !== undefined) return `${flagWord(flag)}   (${flagRow(flag).means})`
  const [example] = row.examples
  return example === undefined ? usageLine(row) : `${usageLine(row)}   like: ${example}`
}
