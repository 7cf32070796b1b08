import type { Certificate } from '../../../api/door.ts'
import { type Answer, type Column, rows } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { items } from '../../wire/request.ts'

const columns: readonly Column<Certificate>[] = [
  { title: 'NAME', get: (certificate) => certificate.name },
  { title: 'KIND', get: (certificate) => certificate.kind },
  { title: 'EXPIRES', get: (certificate) => certificate.expires },
  { title: 'RENEWS', get: (certificate) => certificate.renews },
  { title: 'NAMES', wide: true, get: (certificate) => certificate.names.join(' ') },
  { title: 'FINGERPRINT', elastic: true, get: (certificate) => certificate.fingerprint },
]

export async function run(context: Context): Promise<Answer> {
  return rows(items(await context.client.request('listCertificates')), columns, {
    name: (certificate) => certificate.name,
    empty: 'no certificates: they are made with the farm (croft init)',
  })
}
