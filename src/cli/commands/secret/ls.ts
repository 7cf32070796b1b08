import type { Secret } from '../../../api/site.ts'
import { type Answer, type Column, rows } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { items } from '../../wire/request.ts'

const columns: readonly Column<Secret>[] = [
  { title: 'NAME', elastic: true, get: (secret) => secret.name },
  { title: 'BY', get: (secret) => secret.by },
  { title: 'AGE', as: 'age', get: (secret) => secret.at },
]

export async function run(context: Context): Promise<Answer> {
  const site = context.args.one('SITE')
  return rows(items(await context.client.request('listSecrets', { params: { site } })), columns, {
    name: (secret) => secret.name,
    empty: `${site} has no secrets: croft secret set ${site} DB_PASSWORD`,
  })
}
