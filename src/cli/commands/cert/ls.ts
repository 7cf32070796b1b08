import { type Answer, rows } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { items } from '../../wire/request.ts'
import { certColumns } from './columns.ts'

export async function run(context: Context): Promise<Answer> {
  return rows(items(await context.client.request('listCertificates')), certColumns, {
    name: (certificate) => certificate.name,
    empty: 'no certificates: they are made with the farm (croft init)',
  })
}
