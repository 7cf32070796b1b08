/**
 * What is believed of what was seen: what got worse is believed when it was seen twice in a row, so that one lost packet is
 * no alarm; what got better, at once. Pure.
 *
 *     ok ──seen red──► ok, in doubt ──seen red again──► red ──seen ok──► ok
 */
import type { CheckChange } from '../../api/check.ts'
import type { Finding } from '../../api/resources.ts'
import { isWorse, type Verdict, worst } from './finding.ts'

/** As it is kept: the last finding that was believed of each check, and how it came to be. */
export interface Belief {
  readonly findings: readonly Finding[]
  readonly changes: readonly CheckChange[]
}

export interface Believed {
  readonly belief: Belief
  /** Something is another than it was: worth writing. */
  readonly changed: boolean
  /** Something seems worse than is believed: worth looking again soon. */
  readonly doubt: boolean
}

const keptChanges = 50

export function believe(
  before: Belief | undefined,
  seen: { readonly last: readonly Finding[]; readonly now: readonly Finding[] },
  at: string,
): Believed {
  const known = byCheck(before?.findings ?? [])
  const last = byCheck(seen.last)
  const findings = seen.now.flatMap((finding) => {
    const was = known.get(finding.check)
    const doubted = isWorse(finding.verdict, was?.verdict ?? 'ok')
    const again = last.get(finding.check)
    if (!doubted || (again && !isWorse(finding.verdict, again.verdict))) return [finding]
    return was ? [was] : []
  })
  const changed = findings.filter(({ check, verdict }) => known.get(check)?.verdict !== verdict)
  const told = changed
    .filter(({ check, verdict }) => known.has(check) || verdict !== 'ok')
    .map(({ check, verdict, evidence }) => ({ at, check, verdict, evidence }))
  return {
    belief: { findings, changes: [...(before?.changes ?? []), ...told].slice(-keptChanges) },
    changed: changed.length > 0 || known.size !== findings.length,
    doubt: seen.now.some((finding) => !findings.includes(finding)),
  }
}

export const verdictOf = (findings: readonly Finding[]): Verdict | null =>
  findings.length === 0 ? null : worst(findings.map(({ verdict }) => verdict))

const byCheck = (findings: readonly Finding[]): ReadonlyMap<string, Finding> =>
  new Map(findings.map((finding) => [finding.check, finding]))
