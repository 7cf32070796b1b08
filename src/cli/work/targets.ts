/** Which guests are meant: names, globs, `-` from stdin, labels, all of them. */
import { CroftError } from '../../api/errors.ts'
import type { Guest } from '../../api/guest.ts'
import type { Context } from '../context.ts'
import { items } from '../wire/request.ts'
import { globMatches, parsePoint } from '../words/point.ts'

export interface Targets {
  readonly names: readonly string[]
  /** More than one was or could have been meant. */
  readonly many: boolean
}

export async function findTargets(context: Context, arg = 'GUEST'): Promise<Targets> {
  const words = await withStdin(context, context.args.many(arg))
  const selects = context.flags.has('all') || context.flags.has('label')
  if (words.length === 0 && !selects) {
    throw new CroftError('USAGE', `croft ${context.row.verb}: GUEST is missing`, {
      hint: `croft ${context.row.verb} NAME   ('web*', -l owner=lark, --all)`,
    })
  }
  const many = selects || words.length > 1 || words.some(isGlob) || context.args.many(arg).includes('-')
  if (!selects && !words.some(isGlob)) return { names: [...new Set(words.map(guestName))], many }
  const guests = selectGuests(context, items(await context.client.request('listGuests')), words)
  const meant = guests.filter((guest) => !guest.spec.part || words.some((word) => isOfParts(word, guest.name)))
  const left = guests.length - meant.length
  if (left > 0)
    context.say(
      `! ${left} of sites or builds ${left === 1 ? 'is' : 'are'} left alone: croft site ls   (or name them: 'shop/prod/*')`,
    )
  return { names: meant.map((guest) => guest.name), many }
}

/** `*` and --all are of guests that people made. */
const isOfParts = (word: string, name: string): boolean => word.includes('/') && globMatches(word, name)

/** Of a list that is there already; `words` may be none. */
export function selectGuests(context: Context, guests: readonly Guest[], words: readonly string[]): readonly Guest[] {
  const labels = context.flags.list('label').map(parseLabel)
  for (const word of words) {
    if (guests.some((guest) => globMatches(word, guest.name))) continue
    throw new CroftError('GUEST_NOT_FOUND', isGlob(word) ? `no guest is like "${word}"` : `no guest "${word}"`, {
      hint: 'croft ls',
    })
  }
  return guests.filter(
    (guest) =>
      (words.length === 0 || words.some((word) => globMatches(word, guest.name))) &&
      labels.every((label) => label.matches(guest.spec.labels)),
  )
}

interface LabelTest {
  matches(labels: Readonly<Record<string, string>>): boolean
}

/** `owner=lark`, `owner!=lark`, or `owner` for any value. */
export function parseLabel(text: string): LabelTest {
  const match = /^([^=!]+)(?:(!?=)(.*))?$/.exec(text)
  const [, key = '', operator, value = ''] = match ?? []
  if (key === '') throw new CroftError('USAGE', `"${text}" is not a label like owner=lark`)
  const of = (labels: Readonly<Record<string, string>>) => (Object.hasOwn(labels, key) ? labels[key] : undefined)
  if (operator === undefined) return { matches: (labels) => of(labels) !== undefined }
  return { matches: (labels) => (of(labels) === value) === (operator === '=') }
}

const isGlob = (word: string): boolean => parsePoint(word).kind === 'glob'

export async function withStdin(context: Context, words: readonly string[]): Promise<readonly string[]> {
  if (!words.includes('-')) return words
  const read = (await context.io.readStdin()).split(/\s+/).filter((word) => word !== '')
  return words.flatMap((word) => (word === '-' ? read : [word]))
}

/** For commands that list what all guests have when none is named; `ls` says the same aloud, and other verbs how it is said here. */
export function guestOrAll(context: Context, arg: string): { guest: string | undefined; words: readonly string[] } {
  const [first, more] = [context.args.maybe('GUEST'), context.args.many(arg)]
  if (first === 'ls') return { guest: more[0] === undefined ? undefined : guestName(more[0]), words: more.slice(1) }
  const { verb } = context.row
  if (first === 'add' || first === 'set' || first === 'rm' || first === 'delete') {
    const [guest = 'web', ...rest] = more
    const way = first === 'add' || first === 'set' ? [] : ['--rm']
    const hint = ['croft', verb, guest, ...way, ...(rest.length === 0 ? [arg] : rest)].join(' ')
    throw new CroftError('USAGE', `croft ${verb}: "${first}" is not said here, the guest comes first`, { hint })
  }
  return { guest: first === undefined ? undefined : guestName(first), words: more }
}

/** A word that must be a guest's name or an instance's, and not the shape of another thing. */
export function guestName(word: string): string {
  const pointed = parsePoint(word)
  if ((pointed.kind === 'guest' || pointed.kind === 'instance') && word !== '') return word
  throw new CroftError('USAGE', `"${word}" is not the name of a guest but looks like a ${pointed.kind}`, {
    hint:
      pointed.kind === 'site'
        ? `croft instance ls ${word}`
        : nouns.has(pointed.kind)
          ? `croft ${pointed.kind} ls`
          : 'croft ls',
  })
}

const nouns: ReadonlySet<string> = new Set(['snapshot', 'template'])
