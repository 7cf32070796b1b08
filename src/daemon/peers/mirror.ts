/** What lies under a prefix, in memory, kept by a watch: for what is asked with every request. */

import { cursor, type Store } from '../../store/store.ts'
import type { Env } from '../env.ts'
import { keys } from '../records/keys.ts'
import { readAll } from '../records/records.ts'

export interface Mirror<T> {
  get(key: string): T | undefined
  /** In the order of their keys. */
  values(): readonly T[]
  /** Told after each change. */
  onChange(listener: () => void): void
}

const againMs = 1000

/** Returns when it is as the store was. Lives until the signal; while the store is away it is as it was last. */
export async function openMirror<T>(
  { store, env, signal }: { readonly store: Store; readonly env: Env; readonly signal: AbortSignal },
  prefix: string,
): Promise<Mirror<T>> {
  const held = new Map<string, T>()
  const listeners: (() => void)[] = []
  const tell = () => {
    for (const listener of listeners) listener()
  }

  async function follow(): Promise<void> {
    const from = await readAnew()
    watch(from).catch(() => {
      if (!signal.aborted) env.later(againMs, again)
    })
  }

  const again = () => void (signal.aborted || follow().catch(() => env.later(againMs, again)))

  async function readAnew(): Promise<string> {
    const { revision } = await store.get(keys.farm)
    const found = await readAll<T>(store, prefix)
    held.clear()
    for (const { key, value } of found) held.set(key, value)
    tell()
    return cursor(store, revision)
  }

  async function watch(from: string): Promise<void> {
    for await (const { changes } of store.watch(prefix, { from, signal })) {
      for (const change of changes)
        if (change.kind === 'put') held.set(change.key, change.value as T)
        else held.delete(change.key)
      tell()
    }
  }

  await follow()
  return {
    get: (key) => held.get(key),
    values: () => [...held.keys()].sort().map((key) => held.get(key) as T),
    onChange: (listener) => void listeners.push(listener),
  }
}
