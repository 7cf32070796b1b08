import { type Answer, rows } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { items } from '../../wire/request.ts'
import { differenceColumns } from './columns.ts'

export async function run(context: Context): Promise<Answer> {
  const site = context.args.one('SITE')
  const release = context.args.maybe('RELEASE')
  const found = items(await context.client.request('diffConfig', { params: { site }, query: { release } }))
  return rows(found, differenceColumns, {
    name: (each) => each.path,
    empty: `the next deploy of ${site} changes nothing in its configuration`,
    exit: found.length > 0 && context.flags.has('exit-code') ? 10 : 0,
  })
}
