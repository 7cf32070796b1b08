/** Moves of guests to other hosts, and what hosts ask each other for them. */
import { z } from 'zod'
import { Rate } from './guest.ts'

export const NewMove = z.strictObject({ to: z.string().min(1).max(63), rate: Rate.optional() })
export const DiskId = z.string().regex(/^[a-z0-9-]{8,40}$/)
export const Landing = z.strictObject({ disk: DiskId })

/** What the host that a guest moves to says before, and between the steps. */
export interface PeerLook {
  /** Of that guest, on the pool that it would lie on. */
  readonly roots: readonly string[]
  readonly snapshots: readonly string[]
  /** Whether the template that it was made from is there. */
  readonly template: boolean
  /** What guests can still write there; null when that cannot be told. */
  readonly freeBytes: number | null
  /** Published ports of it that a program of the host itself listens on, like `tcp/22`. */
  readonly listens: readonly string[]
  /** A device that a network of the guest is on, and that host does not have. */
  readonly lacks?: string
  /** Why it cannot be made there. */
  readonly lacksWhy?: string
}
