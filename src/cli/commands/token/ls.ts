import { type Answer, rows } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { items } from '../../wire/request.ts'
import { tokenColumns } from './columns.ts'

export async function run(context: Context): Promise<Answer> {
  return rows(items(await context.client.request('listTokens')), tokenColumns, {
    name: (token) => token.name,
    empty: 'no tokens: nobody comes from outside',
  })
}
