/**
 * What is next for a guest's replica on another host, and how late it is. Pure. A pass is a copy of the disk at one moment; its name
 * tells the moment, so that a daemon that died needs nothing else.
 */
import type { Parent } from './move.ts'

export interface DiskAt {
  readonly id: string
  readonly at: number
}

export interface ReplicaView {
  readonly id: string
  /** What the guest was made from, when both hosts have it. */
  readonly template: string | undefined
  /** It is on its way there: what is sent then is less. */
  readonly templateComes: boolean
  /** Of the guest and on its host, the oldest first. */
  readonly snapshots: readonly DiskAt[]
  /** Of the guest, also those that its host has lost. */
  readonly wanted: readonly string[]
  /** The pass that was reported last. */
  readonly last: string | undefined
  /** Snapshots on this host's pool, and on the other's. */
  readonly here: readonly string[]
  readonly there: readonly string[]
  readonly due: boolean
}

export type ReplicaStep =
  | { readonly do: 'await' }
  /** It is whole there, and the daemon died before it said so. */
  | { readonly do: 'keep'; readonly id: string }
  | { readonly do: 'clear'; readonly here: readonly string[]; readonly there: readonly string[] }
  | { readonly do: 'send'; readonly id: string; readonly parent: Parent | undefined }
  /** Taken and sent in one step: what broke off is taken anew. */
  | { readonly do: 'pass'; readonly parent: Parent | undefined }

const prefix = 'replica-'

export const replicaPass = (id: string, at: number): string => `${prefix}${id}-${at.toString(36)}`
export const isReplicaPass = (disk: string): boolean => disk.startsWith(prefix)
export const isPassOf = (id: string, disk: string): boolean => disk.startsWith(`${prefix}${id}-`)
export const momentOf = (disk: string): number => Number.parseInt(disk.slice(disk.lastIndexOf('-') + 1), 36)

export function planReplica(view: ReplicaView): ReplicaStep | undefined {
  const { id, last, here, there, snapshots, wanted } = view
  const own = (disk: string) => isPassOf(id, disk)
  const newest = here
    .filter((disk) => own(disk) && there.includes(disk))
    .sort(byMoment)
    .at(-1)
  if (newest !== undefined && newest !== last && (last === undefined || momentOf(newest) > momentOf(last)))
    return { do: 'keep', id: newest }
  const stale = {
    here: here.filter((disk) => own(disk) && disk !== last),
    there: there.filter((disk) => disk !== last && !wanted.includes(disk)),
  }
  if (stale.here.length + stale.there.length > 0) return { do: 'clear', ...stale }
  if (!view.due) return undefined
  if (view.templateComes) return { do: 'await' }
  const missing = snapshots.find((each) => !there.includes(each.id))
  if (missing) return { do: 'send', id: missing.id, parent: parentOf(view, missing.at) }
  return { do: 'pass', parent: parentOf(view, Number.POSITIVE_INFINITY) }
}

/** Of those that both have the nearest before that moment; else one after it, which is nearer than the template. */
function parentOf({ snapshots, last, here, there, template }: ReplicaView, at: number): Parent | undefined {
  const known = [...snapshots, ...(last === undefined ? [] : [{ id: last, at: momentOf(last) }])]
  const common = known.filter(({ id }) => here.includes(id) && there.includes(id)).sort((a, b) => a.at - b.at)
  const nearest = common.findLast((each) => each.at <= at) ?? common[0]
  if (nearest) return { kind: 'snapshot', id: nearest.id }
  return template === undefined ? undefined : { kind: 'template', id: template }
}

const byMoment = (a: string, b: string): number => momentOf(a) - momentOf(b)

export interface Timing {
  /** Null: made once, and when it is asked for. */
  readonly everyMs: number | null
  /** It shall be as the guest is at this moment, or later. */
  readonly askedAt: number
  readonly lastAt: number | undefined
}

/** When the next pass is to be taken. A clock that went back makes it due, not far away. */
export function dueAt({ everyMs, askedAt, lastAt }: Timing, now: number): number {
  if (lastAt === undefined || lastAt < askedAt || lastAt > now) return now
  return everyMs === null ? Number.POSITIVE_INFINITY : lastAt + everyMs
}

/** One pass may take as long as they are apart. */
const graceMs = 30_000

export const isLate = (timing: Timing, now: number): boolean => now > lateAt(timing)

/** What is made once is never late. */
export const lateAt = ({ everyMs, lastAt }: Timing): number =>
  everyMs === null || lastAt === undefined ? Number.POSITIVE_INFINITY : lastAt + 2 * everyMs + graceMs

/** How long after so many failures in a row. What did not fit would be sent in vain again and again: each time is dear. */
export const againMs = (failures: number, everyMs: number | null, isDear = false): number =>
  isDear
    ? Math.min(300_000 * 2 ** Math.min(failures - 1, 10), 3_600_000)
    : Math.min(5000 * 2 ** Math.min(failures - 1, 10), everyMs ?? Number.POSITIVE_INFINITY, 300_000)

export interface TidyView {
  /** What this host is to the replica. */
  readonly side: 'source' | 'target'
  readonly deleting: boolean
  /** Nothing of it is left where the guest is. */
  readonly cleared: boolean
  readonly guestLives: boolean
  /** It is on another host than the record says: a croft that knows no replicas has moved it. */
  readonly guestMoved?: boolean
  /** The other of its two hosts is one of the farm still. */
  readonly otherLives: boolean
}

/** Each host clears its own, the one with the guest first; the record goes last. Undefined: nothing is this host's to do. */
export function planTidy({
  side,
  deleting,
  cleared,
  guestLives,
  guestMoved,
  otherLives,
}: TidyView): TidyStep | undefined {
  const isOver = deleting || !guestLives || !otherLives
  if (side === 'target') {
    // Of a host that was declared dead it is all that is left.
    if (!deleting) return guestLives ? undefined : guestMoved ? 'follow' : 'mark'
    return cleared || !guestLives || !otherLives ? 'clearDisks' : undefined
  }
  if (!isOver) return undefined
  if (!deleting) return otherLives ? undefined : 'mark'
  if (!cleared) return 'clearPasses'
  return otherLives ? undefined : 'forget'
}

export type TidyStep = 'follow' | 'mark' | 'clearPasses' | 'clearDisks' | 'forget'
