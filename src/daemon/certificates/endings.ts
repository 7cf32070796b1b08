/** Tells of imported certificates that end, once: the store's change is the event. Nobody else would look after them. */
import type { Ending } from '../../plan/edge-events.ts'
import type { Store, Write } from '../../store/store.ts'
import { type Env, timestamp } from '../env.ts'
import { keys } from '../records/keys.ts'
import { readAll } from '../records/records.ts'

export const endsSoonMs = 14 * 24 * 3600 * 1000

export interface Imported {
  readonly name: string
  readonly until: number
}

export type Endings = (imported: readonly Imported[]) => Promise<void>

export function createEndings({ env, store }: { readonly env: Env; readonly store: Store }): Endings {
  let told: Map<string, Ending> | undefined

  const endingOf = ({ name, until }: Imported): Ending | undefined => {
    const left = until - env.now()
    if (left >= endsSoonMs) return undefined
    const state = left <= 0 ? 'expired' : 'ends-soon'
    return { name, state, expires: new Date(until).toISOString(), at: timestamp(env) }
  }

  return async (imported) => {
    told ??= new Map((await readAll<Ending>(store, keys.endings)).map(({ value }) => [value.name, value]))
    const now = new Map(imported.flatMap((each) => endingOf(each) ?? []).map((each) => [each.name, each]))
    const isTold = ({ name, state, expires }: Ending): boolean => {
      const known = told?.get(name)
      return known?.state === state && known.expires === expires
    }
    const writes: Write[] = [...now.values()]
      .filter((each) => !isTold(each))
      .map((value) => ({ put: keys.ending(value.name), value }))
    for (const name of told.keys()) if (!now.has(name)) writes.push({ delete: keys.ending(name) })
    for (let from = 0; from < writes.length; from += 50) await store.transact([], writes.slice(from, from + 50))
    told = now
  }
}
