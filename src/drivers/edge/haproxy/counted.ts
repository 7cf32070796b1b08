/** What workers of before have counted: new ones begin at nothing, and what a route has served does not. */
import { writeFile } from 'node:fs/promises'
import type { SiteCounters } from '../driver.ts'
import { readText } from './files.ts'

export interface Counted {
  /** Before new workers come: what those of now have counted, of what is wished still. */
  keep(now: ReadonlyMap<string, SiteCounters>, ids: ReadonlySet<string>): Promise<void>
  with(now: ReadonlyMap<string, SiteCounters>): Promise<Map<string, SiteCounters>>
}

type Sums = Record<string, Partial<SiteCounters>>
const summed = ['requests', 'errors5xx', 'errors4xx', 'bytesIn', 'bytesOut'] as const

/** Figures, not promises: what a crash takes is missing. */
export function createCounted(file: string): Counted {
  let known: Sums | undefined
  const sums = async (): Promise<Sums> => (known ??= parse(await readText(file)))
  const plus = (one: SiteCounters, { ...more }: Partial<SiteCounters> = {}): SiteCounters => ({
    ...one,
    ...Object.fromEntries(summed.map((key) => [key, one[key] + (more[key] ?? 0)])),
  })

  return {
    async keep(now, ids) {
      const before = await sums()
      known = Object.fromEntries([...now].filter(([id]) => ids.has(id)).map(([id, one]) => [id, plus(one, before[id])]))
      await writeFile(file, JSON.stringify(known), { mode: 0o600 })
    },
    async with(now) {
      const before = await sums()
      return new Map([...now].map(([id, one]) => [id, plus(one, before[id])]))
    },
  }
}

function parse(text: string | undefined): Sums {
  try {
    return text === undefined ? {} : (JSON.parse(text) as Sums)
  } catch {
    return {}
  }
}
