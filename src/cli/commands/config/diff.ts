import type { ConfigDifference } from '../../../api/site.ts'
import { type Answer, type Column, rows } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { items } from '../../wire/request.ts'
import { valueText } from './values.ts'

const columns: readonly Column<ConfigDifference>[] = [
  { title: 'SETTING', get: (each) => each.path },
  { title: 'NOW', get: (each) => valueText(each.now) },
  { title: 'NEXT', elastic: true, get: (each) => valueText(each.next) },
  { title: 'FROM', get: (each) => each.origin?.from },
]

export async function run(context: Context): Promise<Answer> {
  const site = context.args.one('SITE')
  const release = context.args.maybe('RELEASE')
  const found = items(await context.client.request('diffConfig', { params: { site }, query: { release } }))
  return rows(found, columns, {
    name: (each) => each.path,
    empty: `the next deploy of ${site} changes nothing in its configuration`,
    exit: found.length > 0 && context.flags.has('exit-code') ? 10 : 0,
  })
}
