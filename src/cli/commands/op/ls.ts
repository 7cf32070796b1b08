import type { Operation } from '../../../api/resources.ts'
import { type Answer, type Column, rows } from '../../answer.ts'
import { type Context, numberFlag } from '../../context.ts'
import { items } from '../../wire/request.ts'

const columns: readonly Column<Operation>[] = [
  { title: 'ID', get: (operation) => operation.id },
  { title: 'STATE', as: 'state', get: (operation) => operation.state },
  { title: 'VERB', get: (operation) => operation.verb },
  { title: 'KIND', wide: true, get: (operation) => operation.target.kind },
  { title: 'NAME', get: (operation) => operation.target.name },
  { title: 'BY', get: (operation) => operation.by },
  { title: 'AGE', as: 'age', get: (operation) => operation.created },
  { title: 'NOW', sparse: true, get: ({ state, progress }) => (state === 'running' ? progress?.label : null) },
  { title: 'REASON', sparse: true, elastic: true, get: (operation) => operation.error?.message.split('\n')[0] ?? null },
]

export async function run(context: Context): Promise<Answer> {
  const limit = numberFlag(context, 'limit') ?? numberFlag(context, 'tail')
  const outer = context.flags.has('all') ? undefined : true
  return rows(items(await context.client.request('listOperations', { query: { limit, outer } })), columns, {
    name: (operation) => operation.id,
    empty: 'no operations',
  })
}
