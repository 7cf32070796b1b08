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
  /** How many records of each thing stay, and how many of all things together: names come and go. */
  readonly keep: number
  readonly keepOfAll: number
  readonly maxAgeMs: number
  readonly now: number
}

/**
 * Deletes what retention does not keep, from the newest on by pages of pointers, and rests after each page: a long history
 * is neither read at once nor in one breath. A record and its pointer go together. Returns how many went.
 */
export async function pruneHistory(
  store: Pick<Store, 'list' | 'transact'>,
  retention: Retention,
  rest: () => Promise<unknown>,
): Promise<number> {
  const counts = new Map<string, number>()
  let all = 0
  let gone = 0
  let after: string | undefined
  do {
    const page = await store.list(timesPrefix, { reverse: true, ...(after === undefined ? {} : { after }) })
    const deletes = page.entries.filter((pointer) => !stays(pointer)).flatMap(toDeletes)
    for (let from = 0; from < deletes.length; from += pairsAtOnce * 2)
      await store.transact([], deletes.slice(from, from + pairsAtOnce * 2))
    gone += deletes.length / 2
    after = page.next
    await rest()
  } while (after !== undefined)
  return gone

  function stays(pointer: Entry): boolean {
    const record = String(pointer.value)
    const thing = record.slice(0, record.lastIndexOf('/@'))
    const count = (counts.get(thing) ?? 0) + 1
    const age = retention.now - Date.parse(pointer.key.slice(timesPrefix.length, timesPrefix.length + timeLength))
    if (count > retention.keep || all >= retention.keepOfAll || age > retention.maxAgeMs) return false
    counts.set(thing, count)
    all += 1
    return true
  }
}

const pairsAtOnce = 45

const toDeletes = ({ key, value }: Entry): Write[] => [{ delete: String(value) }, { delete: key }]

const timeLength = '2026-01-01T00:00:00.000Z'.length

/** One form for all, so that the order of the text is that of the time. */
function toSortable(at: string): string {
  const time = new Date(at)
  if (Number.isNaN(time.getTime())) throw new CroftError('BAD_VALUE', `"${at}" is no time`)
  return time.toISOString()
}
