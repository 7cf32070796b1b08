import { type Answer, rows } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { items } from '../../wire/request.ts'
import { siteColumns } from './columns.ts'

export async function run(context: Context): Promise<Answer> {
  return rows(items(await context.client.request('listSites')), siteColumns, {
    name: (site) => site.name,
    empty: 'no sites yet: croft deploy in a folder with code',
  })
}
