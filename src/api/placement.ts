/** Why a guest is where it is. */
import { z } from 'zod'
import { HostName, OneLine } from './values.ts'

const Points = z.number().min(-1e9).max(1e9)

/** As it was when it was decided. Hosts hand it to each other with the guest. */
export const Placed = z.strictObject({
  host: HostName,
  at: z.iso.datetime(),
  points: Points,
  reasons: z
    .array(z.strictObject({ points: Points, why: OneLine }))
    .max(20)
    .readonly(),
  /** The best of the others, and why some were out of the question. */
  others: z
    .array(z.strictObject({ host: HostName, points: Points.optional(), why: OneLine.optional() }))
    .max(20)
    .readonly(),
})
export type Placed = z.infer<typeof Placed>

/** Of a new guest. Without a host it is put where it fits best; `placed` is said by hosts to each other, when that was decided. */
export const placing = { host: HostName.optional(), placed: Placed.optional() }

/** A move that would be worth it. */
export interface Proposal {
  readonly guest: string
  readonly from: string
  readonly to: string
  readonly why: string
}

export interface Explanation {
  readonly guest: string
  readonly host: string
  /** Null: there was no choice, or it came there by another way. */
  readonly placed: Placed | null
  /** Where else it could not be: its lasting data is here. */
  readonly data?: readonly string[]
  /** How it would be placed now, the best first. */
  readonly now: {
    readonly candidates: readonly {
      readonly host: string
      readonly points: number
      readonly reasons: readonly { readonly points: number; readonly why: string }[]
    }[]
    readonly refused: readonly { readonly host: string; readonly why: string }[]
  }
}
