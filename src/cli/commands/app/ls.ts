import { type Answer, rows } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { items } from '../../wire/request.ts'
import { appColumns } from './columns.ts'

export async function run(context: Context): Promise<Answer> {
  return rows(items(await context.client.request('listApps')), appColumns, {
    name: (app) => app.name,
    empty: 'no apps yet: croft deploy in a folder with code, or croft app add shop git=URL',
  })
}
