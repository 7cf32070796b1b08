/** What a visitor of a route meets. Knows nothing of zod. */
import type { Finding } from './resources.ts'

export type Verdict = Finding['verdict']

/** One check of a route came to another verdict. */
export interface CheckChange {
  readonly at: string
  readonly check: string
  readonly verdict: Verdict
  readonly evidence: string
}

export interface RouteCheck {
  readonly route: string
  /** The worst of its findings; null until somebody has looked. */
  readonly verdict: Verdict | null
  /** What got worse is believed when it was seen twice in a row: this is what events, status and figures go by. */
  readonly believed: Verdict | null
  /** When it was last looked at. */
  readonly at: string | null
  /** One for each check: dns, redirect, aliases, tls, http; or tcp. */
  readonly findings: readonly Finding[]
  readonly firstByteMs: number | null
  /** Oldest first. */
  readonly changes: readonly CheckChange[]
}
