/** Which command the first two words mean. Noun and verb in either order; without a noun the shape of what follows decides, else guest. */
import { CroftError } from '../../api/errors.ts'
import { nearest } from '../../api/nearest.ts'
import { type CommandRow, type Noun, nouns } from '../command.ts'
import { foreignCommands, foreignNouns, foreignTools, foreignVerbs, insteadOf, otherNouns } from './foreign.ts'
import { isRoute, parsePoint } from './point.ts'

export interface Word {
  readonly value: string
  readonly index: number
}

export type Found =
  | {
      readonly kind: 'command'
      readonly row: CommandRow
      /** Handed to commands that take any noun. */
      readonly noun?: Noun
      /** How many of the words were grammar. */
      readonly used: 1 | 2
      readonly notes: readonly string[]
    }
  | { readonly kind: 'help'; readonly words: readonly string[] }
  | { readonly kind: 'unknown'; readonly error: CroftError }

export function findNoun(word: string | undefined): Noun | undefined {
  if (word === undefined) return undefined
  return nouns.find((noun) => word === noun || word === `${noun}s`) ?? otherNouns.get(word)
}

export function findRow(table: readonly CommandRow[], noun: Noun | undefined, verb: string): CommandRow | undefined {
  return table.find((row) => row.noun === noun && row.verb === verb)
}

export function findCommand(table: readonly CommandRow[], words: readonly Word[]): Found {
  const first = words[0]?.value
  const second = words[1]?.value
  if (first === undefined) return { kind: 'help', words: [] }
  if (first === 'help') return { kind: 'help', words: words.slice(1).map((word) => word.value) }
  const noun = findNoun(first)
  return noun && !isVerb(table, noun, words) ? nounFirst(table, noun, second) : verbFirst(table, first, second)
}

/** `build` is both: `croft build ls`, `croft build shop`. */
function isVerb(table: readonly CommandRow[], noun: Noun, [, second]: readonly Word[]): boolean {
  if (second === undefined || !table.some((row) => row.verb === noun)) return false
  const verb = native(second.value)
  return !table.some((row) => row.verb === verb && (row.noun === noun || row.anyNoun))
}

function nounFirst(table: readonly CommandRow[], noun: Noun, second: string | undefined): Found {
  // A noun's own word goes before what the word means elsewhere.
  const verb = findRow(table, noun, second ?? 'ls') ? (second ?? 'ls') : native(second ?? 'ls')
  const row = findRow(table, noun, verb)
  if (row) return command(row, { used: second === undefined ? 1 : 2, verbs: [second] })
  const general = table.find((candidate) => candidate.anyNoun && candidate.verb === verb)
  if (general) return command(general, { used: 2, noun, verbs: [second] })
  const verbs = table.filter((candidate) => candidate.noun === noun && !candidate.hidden).map((each) => each.verb)
  if (second === undefined)
    throw new CroftError('USAGE', `what of the ${noun}? It has ${verbs.join(', ')}`, { hint: `croft help ${noun}` })
  const other = insteadOf(table, noun, second)
  const meant = other ? undefined : nearest(verb, verbs)
  throw new CroftError('USAGE', `"${second}" is nothing that ${oneOf(noun)} has`, {
    hint: other?.examples[0] ?? (meant ? `croft ${noun} ${meant}` : `croft help ${noun}   (${verbs.join(' ')})`),
  })
}

function verbFirst(table: readonly CommandRow[], first: string, second: string | undefined): Found {
  const verb = native(first)
  const noun = findNoun(second)
  const general = findRow(table, undefined, verb)
  if (general?.anyNoun && noun) return command(general, { used: 2, noun, verbs: [first] })
  if (general) return command(general, { used: 1, verbs: [first] })
  const row = noun && findRow(table, noun, verb)
  if (row) return command(row, { used: 2, verbs: [first] })
  const own = findRow(table, 'guest', verb)
  // A file of the host may be called like a noun.
  if (own?.args[0]?.startsWith('FILE')) return command(own, { used: 1, verbs: [first] })
  if (noun && own) {
    const having = nouns.filter((each) => findRow(table, each, verb))
    const words = table.filter((each) => each.noun === noun && !each.hidden).map((each) => each.verb)
    throw new CroftError('USAGE', `${oneOf(noun)} has no "${verb}"; ${having.map(oneOf).join(', ')} has`, {
      hint: `croft help ${noun}   (${words.join(' ')})`,
    })
  }
  const shaped =
    findRow(table, nounByShape(second), verb) ??
    findRow(table, 'guest', verb) ??
    findRow(table, 'app', verb) ??
    (verb === 'rollback' ? findRow(table, 'site', verb) : undefined)
  if (shaped) return command(shaped, { used: 1, verbs: [first] })
  return { kind: 'unknown', error: unknownCommand(table, first) }
}

function nounByShape(word: string | undefined): Noun {
  if (word !== undefined && isRoute(word)) return 'route'
  const kind = word === undefined ? 'guest' : parsePoint(word).kind
  return kind === 'snapshot' || kind === 'template' || kind === 'site' ? kind : 'guest'
}

function command(
  row: CommandRow,
  how: { used: 1 | 2; noun?: Noun; verbs: readonly (string | undefined)[] },
): Extract<Found, { kind: 'command' }> {
  const notes = how.verbs.flatMap((word) => {
    const own = word === undefined ? undefined : foreignVerbs.get(word)
    return own === undefined || word === row.verb ? [] : [`"${word}" is "${own}" here`]
  })
  return { kind: 'command', row, used: how.used, notes, ...(how.noun === undefined ? {} : { noun: how.noun }) }
}

const native = (verb: string): string => foreignVerbs.get(verb) ?? verb

function unknownCommand(table: readonly CommandRow[], word: string): CroftError {
  const guide = foreignTools.get(word)
  if (guide !== undefined)
    return new CroftError('USAGE', `there is no command "${word}"`, {
      hint: `croft help   (docs/guides/${guide}.md says its words in croft's)`,
    })
  const elsewhere = table.find((row) => row.verb === native(word) && !row.hidden)
  if (elsewhere?.noun)
    return new CroftError('USAGE', `"${word}" is for ${oneOf(elsewhere.noun)}`, {
      hint: elsewhere.examples[0] ?? 'croft help',
    })
  const known = [...table.filter((row) => !row.hidden).map((row) => row.verb), ...nouns, 'help', ...foreignVerbs.keys()]
  const meant = foreignNouns.get(word) ?? foreignCommands.get(word) ?? nearest(word, known)
  return new CroftError('USAGE', `there is no command "${word}"`, {
    hint: meant ? `croft ${meant}` : 'croft help',
  })
}

const oneOf = (noun: string): string => `${/^[aeio]/.test(noun) ? 'an' : 'a'} ${noun}`
