import { CroftError } from '../../../api/errors.ts'
import type { HistoryEntry } from '../../../api/resources.ts'
import { type Answer, type Column, rows } from '../../answer.ts'
import { type Context, numberFlag } from '../../context.ts'
import { items } from '../../wire/request.ts'
import { findNoun } from '../../words/grammar.ts'
import { isRoute, parsePoint } from '../../words/point.ts'
import { changesBetween } from './changes.ts'

const columns: readonly Column<HistoryEntry>[] = [
  { title: 'REVISION', as: 'number', get: (entry) => entry.revision },
  { title: 'AGE', as: 'age', get: (entry) => entry.at },
  { title: 'BY', get: (entry) => entry.by },
  { title: 'VERB', get: (entry) => entry.verb },
  { title: 'KIND', get: (entry) => entry.kind },
  { title: 'NAME', get: (entry) => entry.name },
  { title: 'REASON', sparse: true, get: (entry) => entry.reason ?? null },
  { title: 'CHANGE', elastic: true, get: (entry) => changesBetween(entry.before, entry.after) || null },
]

export async function run(context: Context): Promise<Answer> {
  const word = context.args.maybe('NAME')
  const { kind, name } = word === undefined ? { kind: context.noun, name: undefined } : recordOf(context, word)
  const limit = numberFlag(context, 'limit') ?? numberFlag(context, 'tail')
  const kinds = kind === 'site' && name !== undefined ? ['site', 'config'] : [kind]
  const found: HistoryEntry[] = []
  for (const each of kinds)
    found.push(...items(await context.client.request('listHistory', { query: { kind: each, name, limit } })))
  const shown = newestFirst(found.filter((entry) => kind === undefined || kinds.includes(entry.kind))).slice(0, limit)
  if (shown.length === 0 && kind !== undefined && name !== undefined) await mustBeKnown(context, kind, name)
  return rows(shown, columns, {
    name: (entry) => String(entry.revision),
    empty: 'no history',
  })
}

/** What was set of a site is of its history. */
const newestFirst = (entries: readonly HistoryEntry[]): HistoryEntry[] =>
  entries.toSorted((a, b) => b.revision - a.revision)

/** Of a guest, that it has no entry may only mean that they are older than what is kept. */
async function mustBeKnown(context: Context, kind: string, name: string): Promise<void> {
  if (kind === 'guest') {
    const known = items(await context.client.request('listGuests')).some((guest) => guest.name === name)
    if (known) return
  }
  if (kind === 'config') {
    const known = items(await context.client.request('listSites')).some((site) => site.name === name)
    if (known) return
  }
  throw new CroftError('NOT_FOUND', `nothing is known of a ${kind} "${name}"`, { hint: 'croft history' })
}

/** `guest web`, `guest/web`, or by shape. */
export function recordOf(context: Context, word: string): { readonly kind: string; readonly name: string } {
  if (context.noun !== undefined) return { kind: context.noun, name: word }
  const slash = word.indexOf('/')
  const noun = slash > 0 ? findNoun(word.slice(0, slash)) : undefined
  if (noun !== undefined) return { kind: noun, name: word.slice(slash + 1) }
  if (isRoute(word)) return { kind: 'route', name: word }
  const { kind } = parsePoint(word)
  if (kind === 'instance') return { kind: 'guest', name: word }
  if (kind === 'guest' || kind === 'template' || kind === 'snapshot' || kind === 'site') return { kind, name: word }
  throw new CroftError('USAGE', `"${word}" is no record with a history`, { hint: 'croft history guest web' })
}
