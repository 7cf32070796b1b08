/** Replicas: copies of a guest's disk on other hosts, made anew from time to time or once. */
import { z } from 'zod'
import { type Guest, Rate } from './guest.ts'
import { DiskId } from './move.ts'
import { HostName, Lifetime } from './values.ts'

const leastMs = 10_000

/** `5m`; `never`: made once, and then when it is asked for. */
const Every = Lifetime.refine((ms) => ms === null || ms >= leastMs, `must be at least ${leastMs / 1000}s, or never`)

/** Without `every` one that is there keeps its time, and a new one is made once. */
export const NewReplica = z.strictObject({ to: HostName, every: Every.optional(), rate: Rate.optional() })
export const ReplicaPrune = z.strictObject({ disks: z.array(DiskId).max(10_000) })

export interface Replica {
  readonly guest: string
  readonly number: number
  /** Where the guest is, and where its replica lies. */
  readonly from: string
  readonly host: string
  /** Null: made once. */
  readonly everyMs: number | null
  readonly rate?: number
  /** `copying`: none is whole yet. */
  readonly state: 'copying' | 'ready' | 'late' | 'removing'
  /** Of what moment it is; null while none is whole. */
  readonly at: string | null
  /** How far it is behind the guest. */
  readonly lagMs: number | null
  /** What the last pass sent, and how long that took. */
  readonly sentBytes: number | null
  readonly tookMs: number | null
  /** Why it is no younger. */
  readonly reason?: string
  readonly created: string
  readonly by: string
}

/** One guest alone: with its replicas, when it has some. */
export interface ShownGuest extends Guest {
  readonly replicas?: readonly Replica[]
}
