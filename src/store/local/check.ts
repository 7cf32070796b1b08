/** What every backend refuses, decided in one place so that none lets through what another would not take. */
import { CroftError } from '../../api/errors.ts'
import { type Compare, limits, type Page, type Write } from '../store.ts'
import { checkKey } from './keys.ts'

/** A write with its value as JSON text; null deletes. */
export interface CheckedWrite {
  readonly key: string
  readonly json: string | null
  readonly lease: string | null
}

export function checkTransaction(compare: readonly Compare[], writes: readonly Write[]): CheckedWrite[] {
  checkCount(compare.length, 'comparisons')
  checkCount(writes.length, 'writes')
  for (const { key, revision } of compare) {
    checkKey(key)
    checkRevision(revision)
  }
  const checked = writes.map(checkWrite)
  checkOnce(checked)
  checkBytes(compare, checked)
  return checked
}

export function checkRevision(revision: number): void {
  if (!Number.isSafeInteger(revision) || revision < 0) throw new CroftError('BAD_VALUE', `${revision} is no revision`)
}

const greatestLimit = 1000

export function checkPage(page: Page): { readonly limit: number; readonly reverse: boolean } {
  const limit = page.limit ?? greatestLimit
  if (!Number.isInteger(limit) || limit < 1 || limit > greatestLimit) {
    throw new CroftError('BAD_VALUE', `a page has 1 to ${greatestLimit} entries, not ${limit}`)
  }
  if (page.after !== undefined) checkKey(page.after)
  return { limit, reverse: page.reverse === true }
}

export function checkTtl(ttlMs: number): void {
  if (Number.isSafeInteger(ttlMs) && ttlMs > 0) return
  throw new CroftError('BAD_VALUE', `a lease cannot last ${ttlMs} ms`)
}

function checkWrite(write: Write): CheckedWrite {
  if ('delete' in write) {
    checkKey(write.delete)
    return { key: write.delete, json: null, lease: null }
  }
  checkKey(write.put)
  return { key: write.put, json: toJson(write.put, write.value), lease: write.lease ?? null }
}

function checkCount(count: number, what: string): void {
  if (count <= limits.operations) return
  throw new CroftError('TOO_LARGE', `${count} ${what} in one transaction; at most ${limits.operations} fit`)
}

function checkOnce(writes: readonly CheckedWrite[]): void {
  const seen = new Set<string>()
  for (const { key } of writes) {
    if (seen.has(key)) throw new CroftError('BAD_VALUE', `the transaction writes "${key}" twice`)
    seen.add(key)
  }
}

function checkBytes(compare: readonly Compare[], writes: readonly CheckedWrite[]): void {
  let bytes = 0
  for (const { key } of compare) bytes += Buffer.byteLength(key)
  for (const { key, json } of writes) bytes += Buffer.byteLength(key) + (json === null ? 0 : Buffer.byteLength(json))
  if (bytes <= limits.bytes) return
  throw new CroftError('TOO_LARGE', `the transaction has ${bytes} bytes; at most ${limits.bytes} fit`)
}

/**
 * The value as JSON, refused when reading it back would give something else. A property that is undefined is taken as
 * absent, as JSON does.
 */
function toJson(key: string, value: unknown): string {
  try {
    const odd = findOdd(value, '')
    if (odd === undefined) return JSON.stringify(value)
    throw new CroftError('BAD_VALUE', `the value of "${key}" is not JSON${odd === '' ? '' : ` at ${odd}`}`)
  } catch (cause) {
    if (cause instanceof CroftError) throw cause
    throw new CroftError('BAD_VALUE', `the value of "${key}" is not JSON: it is too deep or contains itself`, { cause })
  }
}

/** The path of the first part that JSON cannot carry. */
function findOdd(value: unknown, path: string): string | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : path
  if (typeof value !== 'object') return path
  if (Array.isArray(value)) return findFirst(value.keys(), (at) => findOdd(value[at], `${path}[${at}]`))
  const prototype: unknown = Object.getPrototypeOf(value)
  if ((prototype !== Object.prototype && prototype !== null) || hasOwnToJson(value)) return path
  const part = ([name, inner]: [string, unknown]) =>
    inner === undefined ? undefined : findOdd(inner, `${path}.${name}`)
  return findFirst(Object.entries(value), part)
}

const hasOwnToJson = (value: object): boolean => 'toJSON' in value && typeof value.toJSON === 'function'

function findFirst<Item>(items: Iterable<Item>, find: (item: Item) => string | undefined): string | undefined {
  for (const item of items) {
    const found = find(item)
    if (found !== undefined) return found
  }
  return undefined
}
