/** Whether the other host is bringing what a guest was made from, because the guest comes. */
import type { PlannedStep } from '../../api/resources.ts'
import type { HostParts } from '../host/parts.ts'
import { keys } from '../records/keys.ts'
import { type GuestRecord, read, type TemplateStatus } from '../records/records.ts'

export interface Awaiting {
  readonly parts: HostParts
  awaitsSince?: number
}

/** When that takes too long it is done without: the whole disk is sent instead, or the move given up. */
export async function isTemplateComing(walk: Awaiting, { spec }: GuestRecord, patienceMs = 120_000): Promise<boolean> {
  const { parts } = walk
  const { from } = spec.root
  if (from.kind !== 'template') return false
  walk.awaitsSince ??= parts.env.monotonicMs()
  if (parts.env.monotonicMs() - walk.awaitsSince > patienceMs) return false
  const status = await read<TemplateStatus>(parts.store, keys.templateStatus(parts.host.name, from.id))
  return status?.value.state === 'ready' && (await read(parts.store, keys.template(from.ref))) !== undefined
}

export const bringText = (refs: readonly string[], to: string): string =>
  `bring the template ${refs.join(', ')} to ${to}`

/** The step of a plan for those that it would wait for. */
export async function bringSteps(
  parts: HostParts,
  what: string,
  { to, lacking }: { readonly to: string; readonly lacking: readonly GuestRecord[] },
): Promise<PlannedStep[]> {
  const comes = await Promise.all(lacking.map((guest) => isTemplateComing({ parts }, guest)))
  const refs = new Set(lacking.filter((_, at) => comes[at]).map(({ spec }) => spec.template))
  return refs.size === 0 ? [] : [{ what, step: 'bring', detail: `the template ${[...refs].join(', ')} to ${to} first` }]
}
