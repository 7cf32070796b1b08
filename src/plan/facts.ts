/** When what a host says of itself is worth saying anew: who places guests by it would decide otherwise. Pure. */

export interface Changing {
  readonly cpus: number
  readonly load: number
  readonly memory: { readonly totalBytes: number; readonly freeBytes: number }
  readonly pools: Readonly<Record<string, { readonly totalBytes: number; readonly freeBytes: number }>>
}

/** A twentieth of what there is. */
const share = 0.05

export function isMaterial(before: Changing, after: Changing): boolean {
  const { load, memory, pools, ...rest } = after
  const { load: hadLoad, memory: hadMemory, pools: hadPools, ...had } = before
  if (JSON.stringify(plain(rest)) !== JSON.stringify(plain(had))) return true
  if (Math.abs(load - hadLoad) > Math.max(1, after.cpus) * share) return true
  if (hasMoved(hadMemory, memory)) return true
  const names = new Set([...Object.keys(pools), ...Object.keys(hadPools)])
  return [...names].some((name) => hasMoved(hadPools[name], pools[name]))
}

/** `at` is no news. */
const plain = (facts: object): object => ({ ...facts, at: undefined })

interface Room {
  readonly totalBytes: number
  readonly freeBytes: number
}

function hasMoved(before: Room | undefined, after: Room | undefined): boolean {
  if (before?.totalBytes !== after?.totalBytes) return true
  if (!before || !after) return false
  return Math.abs(after.freeBytes - before.freeBytes) > after.totalBytes * share
}
