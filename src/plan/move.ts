/**
 * The next step of a guest's move to another host, from what is there on both sides. Pure: a daemon that died between two steps asks
 * again and goes on.
 *
 *   copy ──► quiet ──► switched ──► cleared ─► gone
 *     └────────┴─────► cancelled ────┘
 */
import { roughSize } from './amount.ts'

export type MovePhase = 'copy' | 'quiet' | 'switched' | 'cancelled' | 'cleared'

/** A copy of the disk as it was at one moment. */
export interface Pass {
  readonly id: string
  readonly bytes: number
}

/** What is carried there: the guest's root, or one of the volumes of its site. */
export interface MoveDisk {
  /** Its passes begin with this. */
  readonly prefix: string
  /** What it was made from, when both hosts have it. */
  readonly template?: string | undefined
  /** Of the guest, and what its replicas are brought up to date from: the oldest first. */
  readonly snapshots: readonly string[]
  readonly passes: readonly Pass[]
  /** It is made there. */
  readonly landed: boolean
}

export interface MoveView {
  readonly phase: 'copy' | 'quiet'
  readonly disks: readonly MoveDisk[]
  /** Somebody who writes to them lives here: what is written is not in the last pass. */
  readonly live: boolean
  /** Snapshots on this host's pool, and on the other's. */
  readonly here: readonly string[]
  readonly there: readonly string[]
  /** What it was made from is on its way there: what is sent then is less, or can start there at all. */
  readonly templateComes: boolean
}

export type Parent = { readonly kind: 'template' | 'snapshot'; readonly id: string }

/** `disk`: the how-manieth of those that are carried. */
export type MoveStep =
  | { readonly do: 'take'; readonly disk: number; readonly id: string }
  | {
      readonly do: 'send'
      readonly disk: number
      readonly id: string
      readonly parent: Parent | undefined
      /** What it is of the disk: the first copy, what has changed since, or the last of it. */
      readonly as: 'snapshot' | 'copy' | 'again' | 'last'
    }
  | { readonly do: 'await' }
  | { readonly do: 'quiet' }
  | { readonly do: 'land'; readonly disk: number; readonly id: string }
  | { readonly do: 'switch' }

/** So little is sent while the guest is down: in a second on a slow line. */
const smallBytes = 16 * 1024 ** 2
const mostPasses = 6

/** Of a guest's root, or of the how-manieth volume. */
export const prefixOf = (move: string, volume?: number): string => (volume === undefined ? move : `${move}-v${volume}`)
export const passId = (prefix: string, count: number): string => `${prefix}-${count}`
export const lastId = (prefix: string): string => `${prefix}-last`
/** Whether a snapshot on a pool is there for this move alone. */
export const isOfMove = (move: string, id: string): boolean => id.startsWith(`${move}-`)

export function planMove(view: MoveView): MoveStep {
  const { phase, disks } = view
  if (phase === 'quiet' && disks.every(({ landed }) => landed)) return { do: 'switch' }
  if (phase === 'copy' && view.templateComes) return { do: 'await' }
  for (const [disk, { snapshots }] of disks.entries()) {
    const id = snapshots.find((each) => !view.there.includes(each))
    if (id !== undefined) return { do: 'send', disk, id, parent: parentOf(view, disk, id), as: 'snapshot' }
  }
  if (phase === 'quiet') return planLast(view)
  if (!view.live || isSettled(disks)) return { do: 'quiet' }
  const disk = leastPassed(disks)
  const { prefix = '', passes = [] } = disks[disk] ?? {}
  return takeAndSend(view, { disk, id: passId(prefix, passes.length + 1), as: passes.length > 0 ? 'again' : 'copy' })
}

function planLast(view: MoveView): MoveStep {
  const disk = view.disks.findIndex(({ landed }) => !landed)
  const id = lastId(view.disks[disk]?.prefix ?? '')
  return view.there.includes(id) ? { do: 'land', disk, id } : takeAndSend(view, { disk, id, as: 'last' })
}

interface Taken {
  readonly disk: number
  readonly id: string
  readonly as: 'copy' | 'again' | 'last'
}

function takeAndSend(view: MoveView, { disk, id, as }: Taken): MoveStep {
  if (!view.here.includes(id)) return { do: 'take', disk, id }
  return { do: 'send', disk, id, parent: parentOf(view, disk, id), as }
}

/** One pass of each, then the next of each. */
function leastPassed(disks: readonly MoveDisk[]): number {
  const counts = disks.map(({ passes }) => passes.length)
  return counts.indexOf(Math.min(...counts))
}

/** What differs of all is little, or does not become less. */
function isSettled(disks: readonly MoveDisk[]): boolean {
  const rounds = disks[0]?.passes.length ?? 0
  if (rounds === 0 || disks.some(({ passes }) => passes.length !== rounds)) return false
  const bytesOf = (round: number) => disks.reduce((sum, { passes }) => sum + (passes[round]?.bytes ?? 0), 0)
  const last = bytesOf(rounds - 1)
  return last <= smallBytes || rounds >= mostPasses || (rounds > 1 && last > bytesOf(rounds - 2) / 2)
}

/** The nearest one before it that both have. */
function parentOf({ here, there, disks }: MoveView, disk: number, id: string): Parent | undefined {
  const { snapshots = [], passes = [], template } = disks[disk] ?? {}
  const before = snapshots.includes(id)
    ? snapshots.slice(0, snapshots.indexOf(id))
    : [...snapshots, ...passes.map((pass) => pass.id)]
  const common = before.findLast((each) => here.includes(each) && there.includes(each))
  if (common !== undefined) return { kind: 'snapshot', id: common }
  return template === undefined ? undefined : { kind: 'template', id: template }
}

/** One line of what was sent, for people. */
export function describeSent({ as }: Extract<MoveStep, { do: 'send' }>, bytes: number, ms: number): string {
  const seconds = Math.max(ms, 1) / 1000
  const rate = bytes < 1024 ** 2 || seconds < 0.05 ? '' : ` ${roughSize(bytes / seconds)}/s`
  return `${as} ${roughSize(bytes)} ${seconds.toFixed(seconds < 10 ? 1 : 0)} s${rate}`
}
