/**
 * History of specs: who changed what, when, why, and what it was before. A record lies under the thing it tells of,
 * and a pointer to it under the time, so that the newest of one thing and the newest of all are both one short list:
 *   history/of/KIND/NAME/@ID   the record
 *   history/at/ID              the record's key
 * IDs begin with the time. A name may hold slashes, and no part of one begins with @, so `shop/prod` and
 * `shop/prod/2` do not meet. The revision of a record is that of its entry: it is written with the change it tells of.
 */
import { CroftError } from '../api/errors.ts'
import type { HistoryEntry } from '../api/resources.ts'
import type { Entry, Page, Store, Write } from './store.ts'

export type HistoryRecord = Omit<HistoryEntry, 'revision'>

export const recordsPrefix = 'history/of/'
const timesPrefix = 'history/at/'

export function historyPrefix(of?: { readonly kind: string; readonly name: string }): string {
  return of === undefined ? timesPrefix : `${recordsPrefix}${of.kind}/${of.name}/@`
}

/** To be added to the transaction that makes the change. `unique` tells apart records of the same millisecond. */
export function historyWrites(record: HistoryRecord, unique: string): Write[] {
  if (!/^[a-z][a-z-]*$/.test(record.kind)) throw new CroftError('BAD_VALUE', `"${record.kind}" is no kind of thing`)
  if (record.name === '' || record.name.includes('/@')) {
    throw new CroftError('BAD_VALUE', `"${record.name}" cannot be the name of a thing with a history`)
  }
  const id = `${toSortable(record.at)}-${unique}`
  const key = `${historyPrefix(record)}${id}`
  return [
    { put: key, value: record },
    { put: `${timesPrefix}${id}`, value: key },
  ]
}

export function toHistoryEntry(entry: Entry): HistoryEntry {
  return { ...(entry.value as HistoryRecord), revision: entry.revision }
}

export interface HistoryPage {
  readonly entries: readonly HistoryEntry[]
  /** Give it as `after` for older ones. */
  readonly next?: string
}

/** Newest first, of one thing or of all. */
export async function listHistory(
  store: Pick<Store, 'get' | 'list'>,
  of?: { readonly kind: string; readonly name: string },
  page: Omit<Page, 'reverse'> = {},
): Promise<HistoryPage> {
  const listed = await store.list(historyPrefix(of), { ...page, reverse: true })
  const found =
    of === undefined ? await Promise.all(listed.entries.map((entry) => follow(store, entry))) : listed.entries
  const entries = found.filter((entry) => entry !== undefined).map(toHistoryEntry)
  return { entries, ...(listed.next === undefined ? {} : { next: listed.next }) }
}

/** What was pruned between the list and the reading is left out. */
async function follow(store: Pick<Store, 'get'>, pointer: Entry): Promise<Entry | undefined> {
  const { entry } = await store.get(String(pointer.value))
  return entry
}

export interface Retention {
  /** How many records of each thing stay. */
  readonly keep: number
  readonly maxAgeMs: number
  readonly now: number
}

/**
 * The deletions that retention asks for, given the entries under `history/of/` in any order: what has `keep` newer ones
 * of the same thing, and what is too old. A record and its pointer stand together; the caller cuts the list to the
 * store's limit, and half a pair does no harm.
 */
export function pruneHistory(entries: readonly Entry[], retention: Retention): Write[] {
  const things = Map.groupBy(entries, (entry) => entry.key.slice(0, entry.key.lastIndexOf('/@')))
  const tooMany = new Set<Entry>()
  for (const records of things.values()) {
    for (const entry of records.sort(newestFirst).slice(retention.keep)) tooMany.add(entry)
  }
  const isTooOld = (entry: Entry): boolean => retention.now - Date.parse(toHistoryEntry(entry).at) > retention.maxAgeMs
  return entries.filter((entry) => tooMany.has(entry) || isTooOld(entry)).flatMap(toDeletes)
}

const newestFirst = (left: Entry, right: Entry): number => (left.key < right.key ? 1 : -1)

function toDeletes({ key }: Entry): Write[] {
  const id = key.slice(key.lastIndexOf('/@') + 2)
  return [{ delete: key }, { delete: `${timesPrefix}${id}` }]
}

/** One form for all, so that the order of the text is that of the time. */
function toSortable(at: string): string {
  const time = new Date(at)
  if (Number.isNaN(time.getTime())) throw new CroftError('BAD_VALUE', `"${at}" is no time`)
  return time.toISOString()
}
