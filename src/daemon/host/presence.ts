/** A host alone tells nobody about itself; from the second host on it does. */
import { keys } from '../records/keys.ts'
import type { HostParts } from './parts.ts'

export interface Presence {
  /** Hosts came or went. */
  look(): void
  close(): Promise<void>
}

export function createPresence(parts: HostParts): Presence {
  const { store, log } = parts
  let speaking: Promise<{ close(): Promise<void> } | undefined> | undefined
  let closed = false

  async function begin() {
    const { entries } = await store.list(keys.hosts, { limit: 2 })
    if (entries.length < 2 || closed) return undefined
    const { keepFacts } = await import('./facts.ts')
    return keepFacts(parts)
  }

  return {
    look() {
      speaking ??= begin()
        .catch((thrown) => {
          log.warn({ error: String(thrown) }, 'this host cannot tell about itself; it is tried with the next change')
          return undefined
        })
        .then((keeper) => {
          if (!keeper) speaking = undefined
          return keeper
        })
    },
    async close() {
      closed = true
      await (await speaking)?.close()
    },
  }
}
