/** What must be done before a guest can be given the lasting data of its site: pure. */
import type { Step } from './guest.ts'

export interface WantedVolume {
  readonly id: string
  /** Undefined when no record tells: while the host works by its kept plan. */
  readonly sizeBytes: number | undefined
  /** True once the host has reported it made: then its absence is a loss. */
  readonly made: boolean
}

/** Limit by id of what is there. */
export type HaveVolumes = Readonly<Record<string, { readonly limitBytes: number | null }>>

export function planVolumes(want: readonly WantedVolume[], have: HaveVolumes): Step[] {
  return want.flatMap(({ id, sizeBytes, made }): Step[] => {
    const there = have[id]
    if (there) {
      if (!made && sizeBytes !== undefined) return [{ do: 'makeVolume', id, bytes: sizeBytes }]
      const same = sizeBytes === undefined || there.limitBytes === sizeBytes
      return same ? [] : [{ do: 'limitVolume', id, bytes: sizeBytes }]
    }
    if (made) return [{ do: 'fail', code: 'DATA_LOST', why: `the volume ${id} of its site is gone from the pool` }]
    if (sizeBytes === undefined)
      return [{ do: 'fail', code: 'REFUSED', why: `the volume ${id} of its site is in no record` }]
    return [{ do: 'makeVolume', id, bytes: sizeBytes }]
  })
}
