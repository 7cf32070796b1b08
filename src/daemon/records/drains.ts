/** A host that is being emptied: what is left to do follows from who is still on it. Its own daemon walks it. */
import { isCode } from '../../api/errors.ts'
import type { Store } from '../../store/store.ts'
import { keys } from './keys.ts'
import { read } from './records.ts'

export interface DrainRecord {
  readonly schema: number
  readonly id: string
  readonly host: string
  readonly by: string
  readonly created: string
  /** Of each move: bytes in a second. */
  readonly rate?: number
  readonly parallel: number
  /** Guests that were to go. */
  readonly total: number
  /** Numbers of those of which it was known, and accepted, that they stay. */
  readonly stays: readonly number[]
  /** Those that could not be brought anywhere. */
  readonly left: readonly { readonly number: number; readonly name: string; readonly why: string }[]
  readonly cancel?: true
}

export const drainGoal = (id: string) => ({ kind: 'drain', id }) as const

/** Undefined when it has ended meanwhile. */
export async function changeDrain(
  store: Store,
  host: string,
  to: (now: DrainRecord) => DrainRecord | undefined,
): Promise<void> {
  for (let tries = 0; ; tries++) {
    const found = await read<DrainRecord>(store, keys.drain(host))
    if (!found) return
    const { key, revision, value } = found
    const next = to(value)
    try {
      await store.transact([{ key, revision }], [next ? { put: key, value: next } : { delete: key }])
      return
    } catch (thrown) {
      if (!isCode(thrown, 'CHANGED_MEANWHILE') || tries > 20) throw thrown
    }
  }
}
