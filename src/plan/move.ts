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

export interface MoveView {
  readonly phase: 'copy' | 'quiet'
  readonly id: string
  /** What the guest was made from, when both hosts have it. */
  readonly template: string | undefined
  /** Of the guest, and what its replicas are brought up to date from: the oldest first. */
  readonly snapshots: readonly string[]
  readonly passes: readonly Pass[]
  /** It lives here: what it writes is not in the last pass. */
  readonly live: boolean
  /** Snapshots on this host's pool, and on the other's. */
  readonly here: readonly string[]
  readonly there: readonly string[]
  /** Its disk is made there. */
  readonly landed: boolean
  /** What it was made from is on its way there: what is sent then is less. */
  readonly templateComes: boolean
}

export type Parent = { readonly kind: 'template' | 'snapshot'; readonly id: string }

export type MoveStep =
  | { readonly do: 'take'; readonly id: string }
  | {
      readonly do: 'send'
      readonly id: string
      readonly parent: Parent | undefined
      readonly as: 'snapshot' | 'pass' | 'last'
    }
  | { readonly do: 'await' }
  | { readonly do: 'quiet' }
  | { readonly do: 'land'; readonly id: string }
  | { readonly do: 'switch' }

/** So little is sent while the guest is down: in a second on a slow line. */
const smallBytes = 16 * 1024 ** 2
const mostPasses = 6

export const passId = (move: string, count: number): string => `${move}-${count}`
export const lastId = (move: string): string => `${move}-last`
/** Whether a snapshot on a pool is there for this move alone. */
export const isOfMove = (move: string, id: string): boolean => id.startsWith(`${move}-`)

export function planMove(view: MoveView): MoveStep {
  if (view.phase === 'quiet' && view.landed) return { do: 'switch' }
  if (view.phase === 'copy' && view.templateComes) return { do: 'await' }
  const kept = view.snapshots.find((id) => !view.there.includes(id))
  if (kept !== undefined) return { do: 'send', id: kept, parent: parentOf(view, view.snapshots, kept), as: 'snapshot' }
  if (view.phase === 'quiet') return planLast(view)
  if (!view.live || isSettled(view.passes)) return { do: 'quiet' }
  return takeAndSend(view, passId(view.id, view.passes.length + 1), 'pass')
}

function planLast(view: MoveView): MoveStep {
  const id = lastId(view.id)
  return view.there.includes(id) ? { do: 'land', id } : takeAndSend(view, id, 'last')
}

function takeAndSend(view: MoveView, id: string, as: 'pass' | 'last'): MoveStep {
  if (!view.here.includes(id)) return { do: 'take', id }
  const before = [...view.snapshots, ...view.passes.map((pass) => pass.id)]
  return { do: 'send', id, parent: parentOf(view, [...before, id], id), as }
}

/** What differs is little, or does not become less. */
function isSettled(passes: readonly Pass[]): boolean {
  const [before, last] = [passes.at(-2), passes.at(-1)]
  if (!last) return false
  return (
    last.bytes <= smallBytes || passes.length >= mostPasses || (before !== undefined && last.bytes > before.bytes / 2)
  )
}

/** The nearest one before it that both have. */
function parentOf({ here, there, template }: MoveView, order: readonly string[], id: string): Parent | undefined {
  const before = order.slice(0, order.indexOf(id))
  const common = before.findLast((each) => here.includes(each) && there.includes(each))
  if (common !== undefined) return { kind: 'snapshot', id: common }
  return template === undefined ? undefined : { kind: 'template', id: template }
}

/** One line of what was sent, for people. */
export function describeSent(
  step: Extract<MoveStep, { do: 'send' }>,
  count: number,
  bytes: number,
  ms: number,
): string {
  const what = { snapshot: 'snapshot', pass: count > 0 ? 'again' : 'copy', last: 'last' }[step.as]
  const seconds = Math.max(ms, 1) / 1000
  const rate = bytes < 1024 ** 2 || seconds < 0.05 ? '' : ` ${roughSize(bytes / seconds)}/s`
  return `${what} ${roughSize(bytes)} ${seconds.toFixed(seconds < 10 ? 1 : 0)} s${rate}`
}
