/**
 * All records of one store into another that is empty, or holds what an attempt before has left of it. Nobody writes to
 * `from` meanwhile, and nobody else to `to`. Killed anywhere, it is begun again and ends the same.
 *
 *     to: nothing ──► some, with how far it came ──► all, compared ──► marked
 */
import { createHash } from 'node:crypto'
import { CroftError } from '../../api/errors.ts'
import type { Entry, Store, Write } from '../../store/store.ts'
import type { Failpoint } from '../host/failpoint.ts'
import { keys } from '../records/keys.ts'
import { read, schemaVersion } from '../records/records.ts'

/** In the store that is moved to: how far that came. */
export interface ArrivingRecord {
  readonly schema: number
  readonly from: string
  /** Of the store that is moved: had it grown since, all is copied anew. */
  readonly revision: number
  readonly after?: string
  readonly whole?: { readonly entries: number; readonly sha256: string; readonly at: string }
}

/** In the store that was moved from: nothing of it counts any more. */
export interface LeftRecord {
  readonly schema: number
  readonly to: string
  readonly farm: string
  readonly farmName: string
  readonly host: string
  readonly endpoints: readonly string[]
  readonly at: string
}

export interface StoreCopy {
  readonly from: Store
  readonly to: Store
  readonly now: () => string
  readonly failpoint: Failpoint
}

const chunkOperations = 90
const chunkBytes = 700_000
/** What lives as long as its daemon speaks with the store is made anew there. */
const isLeased = (key: string): boolean => key === keys.leader || key.startsWith(keys.allAlive)
const isOurs = (key: string): boolean => key === keys.moved

export async function copyStore(parts: StoreCopy): Promise<{ readonly entries: number }> {
  const { from, to, now, failpoint } = parts
  const { revision } = await from.get(keys.farm)
  const arriving = (await read<ArrivingRecord>(to, keys.moved))?.value
  if (arriving?.from !== from.id || arriving.revision !== revision) await empty(to)
  else if (arriving.whole) return arriving.whole
  const goesOn = arriving?.from === from.id && arriving.revision === revision ? arriving.after : undefined
  await importAll(parts, revision, goesOn)
  failpoint('storeCompare.before')
  const [left, right] = [await fingerprintOf(from), await fingerprintOf(to)]
  if (left.entries !== right.entries || left.sha256 !== right.sha256)
    throw new CroftError('FAILED', `the store was copied and the copy differs: ${told(left)}, there ${told(right)}`, {
      hint: 'the same again; nothing was changed',
    })
  const whole = { ...right, at: now() }
  await to.transact([], [{ put: keys.moved, value: { ...progress(from, revision), whole } }])
  failpoint('storeArrived.after')
  return whole
}

const told = ({ entries, sha256 }: Fingerprint): string => `${entries} records, ${sha256.slice(0, 12)}`

const progress = (from: Store, revision: number): ArrivingRecord => ({ schema: schemaVersion, from: from.id, revision })

async function importAll({ from, to, failpoint }: StoreCopy, revision: number, begin?: string): Promise<void> {
  let after = begin
  let chunk: Write[] = []
  let bytes = 0
  const flush = async (): Promise<void> => {
    if (chunk.length === 0 || after === undefined) return
    await to.transact([], [...chunk, { put: keys.moved, value: { ...progress(from, revision), after } }])
    failpoint('storeImport.after')
    chunk = []
    bytes = 0
  }
  for await (const { key, value } of entriesOf(from, begin)) {
    const size = key.length + JSON.stringify(value).length
    if (chunk.length >= chunkOperations || bytes + size > chunkBytes) await flush()
    chunk.push({ put: key, value })
    bytes += size
    after = key
  }
  await flush()
}

interface Fingerprint {
  readonly entries: number
  readonly sha256: string
}

async function fingerprintOf(store: Store): Promise<Fingerprint> {
  const hash = createHash('sha256')
  let entries = 0
  for await (const { key, value } of entriesOf(store)) {
    hash.update(`${key}\n${JSON.stringify(value)}\n`)
    entries += 1
  }
  return { entries, sha256: hash.digest('hex') }
}

async function* entriesOf(store: Store, begin?: string): AsyncGenerator<Entry, void, void> {
  let after = begin
  do {
    const page = await store.list('', after === undefined ? {} : { after })
    for (const entry of page.entries) if (!isLeased(entry.key) && !isOurs(entry.key)) yield entry
    after = page.next
  } while (after !== undefined)
}

/** What an attempt has left that does not count. Never of a store that anybody works by: that one is whole and marked so. */
async function empty(store: Store): Promise<void> {
  for (;;) {
    const { entries } = await store.list('', { limit: chunkOperations })
    if (entries.length === 0) return
    await store.transact(
      [],
      entries.map(({ key }): Write => ({ delete: key })),
    )
  }
}
