/** What goes to etcd and what comes back, as its JSON gateway writes them: bytes in base64, numbers as text, zeros left out. */
import type { CheckedWrite } from '../local/check.ts'
import { type KeyRange, prefixEnd } from '../local/keys.ts'
import type { Batch, Change, Compare, Entry } from '../store.ts'
import type { Answer, Header } from './link.ts'

export interface Kv {
  readonly key: string
  readonly value?: string
  readonly mod_revision: string
  readonly create_revision: string
}

export interface RangeAnswer extends Answer {
  readonly kvs?: readonly Kv[]
}

export interface TxnAnswer extends Answer {
  readonly succeeded?: boolean
  readonly responses?: readonly { readonly response_range?: RangeAnswer }[]
}

export interface WatchAnswer extends Answer {
  readonly canceled?: boolean
  readonly compact_revision?: string
  readonly events?: readonly WatchEvent[]
  /** The rest of these revisions follows. */
  readonly fragment?: boolean
}

export interface WatchEvent {
  readonly type?: 'DELETE'
  readonly kv: Kv
  readonly prev_kv?: Kv
}

/** Where a store's keys lie: several may share one etcd in tests. */
export interface Space {
  readonly prefix: string
}

export const bytes = (text: string): string => Buffer.from(text).toString('base64')
const textOf = (base64: string): string => Buffer.from(base64, 'base64').toString('utf8')
export const revisionOf = (header: Header | undefined): number => Number(header?.revision ?? 0)

export const keyOf = ({ prefix }: Space, key: string): string => bytes(`${prefix}/${key}`)
/** Beside all entries. */
export const idKeyOf = ({ prefix }: Space): string => bytes(`${prefix}:id`)

export const rangeFor = (space: Space, { low, high }: KeyRange): { key: string; range_end: string } => ({
  key: keyOf(space, low),
  range_end: high === undefined ? bytes(prefixEnd(`${space.prefix}/`) ?? '\0') : keyOf(space, high),
})

export const compareFor = (space: Space, { key, revision }: Compare): object => ({
  ...{ key: keyOf(space, key), target: 'MOD', result: 'EQUAL', mod_revision: String(revision) },
})

export const readFor = (space: Space, key: string): object => ({ request_range: { key: keyOf(space, key) } })

export function writeFor(space: Space, { key, json, lease }: CheckedWrite): object {
  if (json === null) return { request_delete_range: { key: keyOf(space, key) } }
  return { request_put: { key: keyOf(space, key), value: bytes(json), ...(lease === null ? {} : { lease }) } }
}

export const jsonOf = (kv: Kv): string => textOf(kv.value ?? '')

export function toEntry(space: Space, kv: Kv): Entry {
  return {
    key: plainKey(space, kv),
    value: JSON.parse(jsonOf(kv)) as unknown,
    revision: Number(kv.mod_revision),
    createRevision: Number(kv.create_revision),
  }
}

/** Whole revisions, in order. */
export function toBatches(space: Space, events: readonly WatchEvent[]): Batch[] {
  const groups = Map.groupBy(events, ({ kv }) => Number(kv.mod_revision))
  return [...groups].map(([revision, group]) => ({ revision, changes: group.map((each) => toChange(space, each)) }))
}

function toChange(space: Space, { type, kv, prev_kv: old }: WatchEvent): Change {
  const key = plainKey(space, kv)
  const revision = Number(kv.mod_revision)
  const past = old === undefined ? {} : { before: JSON.parse(jsonOf(old)) as unknown }
  if (type === 'DELETE') return { kind: 'delete', key, revision, ...past }
  return { kind: 'put', key, value: JSON.parse(jsonOf(kv)) as unknown, revision, ...past }
}

const plainKey = ({ prefix }: Space, { key }: Kv): string => textOf(key).slice(prefix.length + 1)
