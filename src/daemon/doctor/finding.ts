/** Findings, and the themes they come from. */
import type { Finding } from '../../api/resources.ts'
import type { Look } from './look.ts'
import type { Patient } from './patient.ts'

/** One theme of the doctor. A theme that cannot be examined becomes a finding of that name. */
export interface Theme {
  readonly name: string
  examine(look: Look, patient: Patient): Promise<readonly Finding[]>
}

export const ok = (check: string, evidence: string): Finding => ({ check, verdict: 'ok', evidence })

export const warn = (check: string, evidence: string, mend?: string): Finding => ({
  check,
  verdict: 'warn',
  evidence,
  ...(mend === undefined ? {} : { mend }),
})

/** Something does not work, or will not for long: it always has a mend. */
export const red = (check: string, evidence: string, mend: string): Finding => ({
  check,
  verdict: 'red',
  evidence,
  mend,
})

export function gibibytes(bytes: number): string {
  const gib = bytes / 1024 ** 3
  return gib < 1 ? `${Math.round(bytes / 1024 ** 2)} MiB` : `${gib.toFixed(1)} GiB`
}
