/** Words and flags apart, as Node's parseArgs does it; loading that takes a millisecond of every start. */
import { type FlagName, flagRow } from './flags.ts'
import type { Word } from './grammar.ts'

export interface Option {
  readonly name: string
  /** As it was typed: `--name`, `-n`. */
  readonly raw: string
  readonly value: string | undefined
  /** The value stood in the same word. */
  readonly inline: boolean
}

/** Of names that share a letter the first has it. */
export function tokens(
  args: readonly string[],
  names: readonly FlagName[],
): { readonly words: readonly Word[]; readonly options: readonly Option[] } {
  const words: Word[] = []
  const options: Option[] = []
  for (let index = 0; index < args.length; index++) {
    const word = args[index] ?? ''
    if (word === '--') {
      words.push(...args.slice(index + 1).map((value, at) => ({ value, index: index + 1 + at })))
      break
    }
    const read = word.startsWith('--')
      ? [longOption(word)]
      : word.length > 1 && word[0] === '-'
        ? letters(word, names)
        : []
    if (read.length === 0) words.push({ value: word, index })
    for (const option of read) {
      const waits = option.value === undefined && takesValue(option.name, names)
      options.push(waits ? { ...option, value: args[++index] } : option)
    }
  }
  return { words, options }
}

function longOption(word: string): Option {
  const at = word.indexOf('=', 3)
  if (at < 0) return { name: word.slice(2), raw: word, value: undefined, inline: false }
  return { name: word.slice(2, at), raw: word.slice(0, at), value: word.slice(at + 1), inline: true }
}

/** `-vf`: the first letter that takes a value has the rest of the word, if there is any. */
function letters(word: string, names: readonly FlagName[]): Option[] {
  const options: Option[] = []
  for (let at = 1; at < word.length; at++) {
    const letter = word[at] ?? ''
    const name = names.find((each) => flagRow(each).short === letter) ?? letter
    const rest = takesValue(name, names) ? word.slice(at + 1) : ''
    const inline = rest !== ''
    options.push({ name, raw: `-${letter}`, value: inline ? rest : undefined, inline })
    if (inline) break
  }
  return options
}

function takesValue(name: string, names: readonly FlagName[]): boolean {
  const own = names.find((each) => each === name)
  const row = own && flagRow(own)
  return row?.value !== undefined && !row.optional
}
