/** The farm's store, as people see it: where it is, and how its members are. */
import { z } from 'zod'

export interface StoreMemberView {
  /** Empty: one that has not come yet. */
  readonly host: string
  readonly url: string | null
  readonly state: 'leads' | 'follows' | 'copies' | 'away'
  readonly sizeBytes: number | null
  readonly version: string | null
  /** Alarms of its own. */
  readonly reason?: string
}

export interface StoreView {
  readonly kind: 'memory' | 'sqlite' | 'etcd'
  /** Files, or addresses of members. */
  readonly at: readonly string[]
  /** Null while it is away. */
  readonly revision: number | null
  readonly sizeBytes: number | null
  readonly members: readonly StoreMemberView[]
  /** The last on this host. */
  readonly snapshot: { readonly file: string; readonly at: string; readonly sizeBytes: number } | null
  /** What is wrong, or what there is not yet. */
  readonly reason?: string
}

export const StoreRestore = z.strictObject({
  /** On this host. */
  file: z.string().regex(/^\/[^\p{Cc}]{1,1000}$/u, 'a path that begins with / is wanted'),
  /** The store answers: what it has learnt since the snapshot goes. */
  discardData: z.literal(true).optional(),
})
export type StoreRestore = z.infer<typeof StoreRestore>
