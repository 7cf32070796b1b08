import type { Certificate } from '../../../api/door.ts'
import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { changeAnswer } from '../../work/change.ts'
import { certFields } from './show.ts'

/** Some of several, or none. */
const exits = { some: 6, none: 1 } as const

export async function run(context: Context): Promise<Answer> {
  const params = { certificate: context.args.one('DOMAIN') }
  return changeAnswer(context, { route: 'issueCertificate', params }, ({ result }) => {
    const certificate = result as Certificate
    const exit = certificate.kind !== 'acme' ? exits.none : certificate.state === 'valid' ? 0 : exits.some
    return { kind: 'record', record: certificate, name: certificate.name, fields: certFields(certificate), exit }
  })
}
