/** What is said of several names: the worst first, the others counted. */
import type { Finding } from '../../api/resources.ts'

export type Verdict = Finding['verdict']
/** What is wrong with one name, and what to do. */
export interface Trouble {
  readonly verdict: 'warn' | 'red'
  readonly evidence: string
  readonly mend: string
}

export const warn = (evidence: string, mend: string): Trouble => ({ verdict: 'warn', evidence, mend })
export const red = (evidence: string, mend: string): Trouble => ({ verdict: 'red', evidence, mend })

const weight = { ok: 0, warn: 1, red: 2 } as const satisfies Record<Verdict, number>
export const isWorse = (a: Verdict, b: Verdict): boolean => weight[a] > weight[b]
export const worst = (verdicts: readonly Verdict[]): Verdict =>
  verdicts.reduce<Verdict>((found, each) => (isWorse(each, found) ? each : found), 'ok')

export function sumUp(check: string, troubles: readonly Trouble[], fine: string): Finding {
  const [first, ...others] = [...troubles].sort((a, b) => weight[b.verdict] - weight[a.verdict])
  if (!first) return { check, verdict: 'ok', evidence: fine }
  const more = others.length === 0 ? '' : `; and ${others.length} more: ${others[0]?.evidence}`
  return { check, verdict: first.verdict, evidence: `${first.evidence}${more}`, mend: first.mend }
}
