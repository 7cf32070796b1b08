import { type Answer, rows } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { items } from '../../wire/request.ts'
import { routeColumns } from './columns.ts'

export async function run(context: Context): Promise<Answer> {
  return rows(items(await context.client.request('listRoutes')), routeColumns, {
    name: (route) => route.name,
    empty: 'nothing is served: croft route add shop.example.org web:8080',
  })
}
