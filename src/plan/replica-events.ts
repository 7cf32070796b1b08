/** What happened to a replica, told from what its hosts say of it. Pure. */
import { roughSize } from './amount.ts'
import { type Told, tell } from './events.ts'
import { momentOf } from './replica.ts'

export interface ReplicaSeen {
  readonly id: string
  readonly at?: string
  readonly last?: { readonly disk: string; readonly bytes: number; readonly tookMs: number }
  readonly failed?: { readonly message: string }
  readonly late?: true
  readonly turned?: true
}

/** One that has changed places with its guest was told of already. */
export function tellReplica(name: string, was: ReplicaSeen | undefined, after: ReplicaSeen | undefined): Told[] {
  const before = was?.id === after?.id ? was : undefined
  if (!after || (!before && after.turned)) return []
  const { at, last, failed, late } = after
  const told = (event: string, more: { detail?: string; reason?: string | undefined }): Told =>
    tell('replica', name, event, { at, ...more })
  const events: Told[] = []
  if (last && last.disk !== before?.last?.disk)
    events.push(told('done', { detail: `${roughSize(last.bytes)} in ${(last.tookMs / 1000).toFixed(1)} s` }))
  if (failed && failed.message !== before?.failed?.message) events.push(told('failed', { reason: failed.message }))
  if (late && last && !before?.late)
    events.push(
      told('late', { detail: `it is of ${new Date(momentOf(last.disk)).toISOString()}`, reason: failed?.message }),
    )
  return events
}
