import type { Replica } from '../../../api/replica.ts'
import { type Answer, type Column, rows } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { items } from '../../wire/request.ts'
import { guestName } from '../../work/targets.ts'
import { everyText } from './every.ts'

const columns: readonly Column<Replica>[] = [
  { title: 'GUEST', get: ({ guest }) => guest },
  { title: 'HOST', get: ({ host }) => host },
  { title: 'STATE', as: 'state', get: ({ state }) => state },
  { title: 'EVERY', get: ({ everyMs }) => (everyMs === null ? 'once' : everyText(everyMs).slice('every '.length)) },
  { title: 'LAG', as: 'age', get: ({ at }) => at },
  { title: 'SENT', as: 'bytes', sparse: true, get: ({ sentBytes }) => sentBytes },
  { title: 'WHY', elastic: true, sparse: true, get: ({ reason }) => reason },
]

export async function run(context: Context): Promise<Answer> {
  const word = context.args.maybe('GUEST')
  const guest = word === undefined ? undefined : guestName(word)
  const replicas = items(await context.client.request('listReplicas', { query: { guest } }))
  return rows(replicas, columns, {
    name: (replica) => `${replica.guest} ${replica.host}`,
    empty: `no replicas: croft replicate ${guest ?? 'web'} HOST every=5m`,
  })
}
