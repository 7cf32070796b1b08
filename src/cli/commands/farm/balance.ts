import type { Proposal } from '../../../api/placement.ts'
import { type Answer, type Column, rows } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { items } from '../../wire/request.ts'

const columns: readonly Column<Proposal>[] = [
  { title: 'GUEST', get: (each) => each.guest },
  { title: 'FROM', get: (each) => each.from },
  { title: 'TO', get: (each) => each.to },
  { title: 'WHY', elastic: true, get: (each) => each.why },
]

export async function run(context: Context): Promise<Answer> {
  const proposals = items(await context.client.request('balanceFarm'))
  return rows(proposals, columns, { name: (each) => each.guest, empty: 'no guest would be better off elsewhere' })
}
