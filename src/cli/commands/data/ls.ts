import type { DataEntry } from '../../../api/resources.ts'
import { type Answer, type Column, rows } from '../../answer.ts'
import { type Context, numberFlag } from '../../context.ts'
import { items } from '../../wire/request.ts'

const columns: readonly Column<DataEntry>[] = [
  { title: 'KEY', get: (entry) => entry.key },
  { title: 'REVISION', as: 'number', get: (entry) => entry.revision },
  { title: 'VALUE', elastic: true, get: (entry) => JSON.stringify(entry.value) },
]

export async function run(context: Context): Promise<Answer> {
  const prefix = context.args.maybe('PREFIX')
  const limit = numberFlag(context, 'limit')
  return rows(items(await context.client.request('listData', { query: { prefix, limit } })), columns, {
    name: (entry) => entry.key,
    empty: prefix === undefined ? 'the store is empty' : `no key starts with ${prefix}`,
  })
}
