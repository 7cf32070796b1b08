/** Keys and prefixes: what is allowed, and their order, which is that of their UTF-8 bytes in every backend. */
import { CroftError } from '../../api/errors.ts'
import { limits } from '../store.ts'

export function checkKey(key: string): void {
  if (key === '') throw new CroftError('BAD_VALUE', 'the store has no key without a name')
  checkText(key)
  if (Buffer.byteLength(key) > limits.keyBytes) {
    throw new CroftError('TOO_LARGE', `the key "${key.slice(0, 60)}…" is longer than ${limits.keyBytes} bytes`)
  }
}

/** A prefix may be empty (everything) and is otherwise the beginning of a key. */
export function checkPrefix(prefix: string): void {
  if (prefix !== '') checkKey(prefix)
}

function checkText(key: string): void {
  if (key.isWellFormed() && !/\p{Cc}/u.test(key)) return
  throw new CroftError(
    'BAD_VALUE',
    `the key ${JSON.stringify(key.slice(0, 60))} holds a control character or half a one`,
  )
}

/** The order of UTF-8 bytes is that of code points. JavaScript compares UTF-16 units, where 😀 comes before ﬀ. */
export function compareKeys(left: string, right: string): number {
  const length = Math.min(left.length, right.length)
  for (let at = 0; at < length; at++) {
    const difference = rank(left.charCodeAt(at)) - rank(right.charCodeAt(at))
    if (difference !== 0) return difference
  }
  return left.length - right.length
}

/** Moves the surrogates behind all other units, where the characters that they stand for belong. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800
}

/** The least text greater than every text with this prefix; undefined when there is none. */
export function prefixEnd(prefix: string): string | undefined {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0)
  while (points.at(-1) === 0x10ffff) points.pop()
  const last = points.pop()
  if (last === undefined) return undefined
  return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1)
}

/** The keys from `low` up to, but without, `high`. */
export interface KeyRange {
  readonly low: string
  readonly high: string | undefined
}

/** The part of a prefix that is still to be listed. No key holds a NUL, so `after` and a NUL is the least key beyond it. */
export function rangeOf(prefix: string, after: string | undefined, reverse: boolean): KeyRange {
  const end = prefixEnd(prefix)
  if (after === undefined) return { low: prefix, high: end }
  if (!reverse) return { low: greater(prefix, `${after}\0`), high: end }
  return { low: prefix, high: end === undefined || compareKeys(after, end) < 0 ? after : end }
}

const greater = (left: string, right: string): string => (compareKeys(left, right) < 0 ? right : left)
