/** What commands return. Printing happens once, in screen/, in the format that was asked for. */
import type { ErrorBody } from '../api/errors.ts'

export type Shown = 'text' | 'number' | 'bytes' | 'age' | 'state' | 'verdict' | 'percent' | 'seconds'

/** One column of a table. Raw values come out of `get`; how they look is decided by `as`. */
export interface Column<T = unknown> {
  readonly title: string
  readonly as?: Shown
  /** Only with -o wide, or when named with -c. */
  readonly wide?: true
  /** Gives way when the terminal is too narrow. One to a table. */
  readonly elastic?: true
  /** Left out when no row has a value. */
  readonly sparse?: true
  get(record: T): unknown
}

export interface Field {
  readonly title: string
  readonly value: unknown
  readonly as?: Shown
}

/** One of several things that were done. */
export interface Result {
  readonly name: string
  readonly text: string
  readonly record?: unknown
  readonly error?: ErrorBody
}

export type Answer =
  | {
      readonly kind: 'rows'
      readonly records: readonly unknown[]
      readonly columns: readonly Column[]
      readonly name: (record: unknown) => string
      /** With --watch: what must differ for a record to be told again; absent: anything. */
      readonly news?: (record: unknown) => string
      /** Said on stderr when there is none. */
      readonly empty?: string
      readonly exit?: number
    }
  | {
      readonly kind: 'record'
      readonly record: unknown
      readonly name: string
      readonly fields: readonly Field[]
      readonly exit?: number
    }
  | {
      readonly kind: 'done'
      readonly results: readonly Result[]
      /** Several were asked for: JSON is a list that says which failed. */
      readonly many?: true
      readonly hint?: string
      readonly exit?: number
    }
  | { readonly kind: 'text'; readonly text: string; readonly record?: unknown; readonly exit?: number }

export function rows<T>(
  records: readonly T[],
  columns: readonly Column<T>[],
  options: { name: (record: T) => string; news?: (record: T) => string; empty?: string; exit?: number },
): Answer {
  const { name, news, ...rest } = options
  const told = news === undefined ? {} : { news: (record: unknown) => news(record as T) }
  return { kind: 'rows', records, columns, name: (record) => name(record as T), ...told, ...rest }
}

export const done = (name: string, text: string, more: { record?: unknown; hint?: string } = {}): Answer => ({
  kind: 'done',
  results: [{ name, text, ...('record' in more ? { record: more.record } : {}) }],
  ...(more.hint === undefined ? {} : { hint: more.hint }),
})

/** Nothing to print: it was said already, or there is nothing to say. */
export const silent = (exit = 0): Answer => ({ kind: 'done', results: [], exit })
