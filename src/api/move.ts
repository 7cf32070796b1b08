/** Moves of guests to other hosts, and what hosts ask each other for them. */
import { z } from 'zod'
import { Rate } from './guest.ts'

export const NewMove = z.strictObject({ to: z.string().min(1).max(63), rate: Rate.optional() })
export const DiskId = z.string().regex(/^[a-z0-9-]{8,40}$/)
/** Of a disk: what who asks for it has. */
export const KnownBeginning = z
  .strictObject({
    bytes: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
    sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 digits of 0-9 and a-f'),
  })
  .partial()
  .refine(({ bytes, sha256 }) => (bytes === undefined) === (sha256 === undefined), 'bytes and sha256 go together')
export type KnownBeginning = z.output<typeof KnownBeginning>
/** `volume`: of a site, made of that disk; else the root of the guest is. */
export const Landing = z.strictObject({ disk: DiskId, volume: DiskId.optional() })
export type Landing = z.infer<typeof Landing>

/** What the host that a guest moves to says before, and between the steps. */
export interface PeerLook {
  /** Of that guest, on the pool that it would lie on. */
  readonly roots: readonly string[]
  readonly snapshots: readonly string[]
  /** Of its site's lasting data. */
  readonly volumes?: readonly string[]
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
