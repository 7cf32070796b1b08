import { type Answer, rows } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { items } from '../../wire/request.ts'
import { columns } from '../croft/doctor.ts'
import { hostName } from '../host/which.ts'

export async function run(context: Context): Promise<Answer> {
  const findings = items(await context.client.request('checkNetwork', { params: { host: await hostName(context) } }))
  const red = findings.some((finding) => finding.verdict === 'red')
  return rows(findings, columns, { name: (finding) => finding.check, empty: 'no findings', exit: red ? 9 : 0 })
}
