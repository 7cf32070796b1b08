/** Why a guest was put on its host, as it was then. */
export interface Placed {
  readonly host: string
  readonly at: string
  readonly points: number
  readonly reasons: readonly { readonly points: number; readonly why: string }[]
  /** The best of the others, and why some were out of the question. */
  readonly others: readonly { readonly host: string; readonly points?: number; readonly why?: string }[]
}
