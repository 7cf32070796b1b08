import { isCode } from '../../../api/errors.ts'
import type { Accepted, Finding } from '../../../api/resources.ts'
import { type Answer, type Column, rows } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { startHint } from '../../wire/line.ts'
import { items } from '../../wire/request.ts'

export const columns: readonly Column<Finding>[] = [
  { title: 'VERDICT', as: 'verdict', get: (finding) => finding.verdict },
  { title: 'CHECK', get: (finding) => finding.check },
  { title: 'EVIDENCE', elastic: true, get: (finding) => finding.evidence },
  { title: 'MEND', sparse: true, get: (finding) => finding.mend ?? null },
]

export async function run(context: Context): Promise<Answer> {
  const fix = context.flags.text('fix')
  if (fix !== undefined) await mend(context, fix)
  const findings = await examine(context)
  const red = findings.some((finding) => finding.verdict === 'red')
  return rows(findings, columns, { name: (finding) => finding.check, empty: 'no findings', exit: red ? 9 : 0 })
}

async function mend(context: Context, fix: string): Promise<void> {
  const { result } = (await context.client.request('fixDoctor', { body: { fix } })) as Accepted<{ changed: string[] }>
  const changed = result?.changed ?? []
  for (const line of changed) context.say(`  ✓ ${line}`)
  if (changed.length === 0) context.say(`  ✓ ${fix}: nothing to change`)
}

/** A daemon that does not answer is a finding, not a failure of the doctor. */
async function examine(context: Context): Promise<readonly Finding[]> {
  try {
    return items(await context.client.request('getDoctor'))
  } catch (error) {
    if (context.farm !== undefined || !isCode(error, 'UNREACHABLE') || !(error instanceof Error)) throw error
    return [
      {
        check: 'daemon',
        verdict: 'red',
        evidence: error.message.split('\n')[0] ?? error.message,
        mend: startHint(),
      },
      ...((await context.io.examineHost?.()) ?? []),
    ]
  }
}
