import type { Certificate } from '../../../api/door.ts'
import type { Answer, Field } from '../../answer.ts'
import type { Context } from '../../context.ts'

export async function run(context: Context): Promise<Answer> {
  const params = { certificate: context.args.one('CERT') }
  const certificate = await context.client.request('getCertificate', { params })
  return { kind: 'record', record: certificate, name: certificate.name, fields: certFields(certificate) }
}

export function certFields(certificate: Certificate): Field[] {
  const { failure, without = [], names } = certificate
  return [
    { title: 'name', value: certificate.name },
    { title: 'kind', value: certificate.kind },
    { title: 'state', value: certificate.state, as: 'state' },
    { title: 'names', value: names.join(' ') || undefined },
    { title: 'issuer', value: certificate.issuer },
    { title: 'begins', value: certificate.begins },
    { title: 'expires', value: certificate.expires },
    { title: 'renews', value: certificate.renews },
    { title: 'fingerprint', value: certificate.fingerprint },
    { title: 'failure', value: failure?.reason },
    { title: 'failed', value: failure?.at },
    { title: 'retries', value: failure?.retries },
    ...without.map(({ name, reason }, at) => ({ title: at === 0 ? 'without' : '', value: `${name}: ${reason}` })),
  ]
}
