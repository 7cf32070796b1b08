import type { Snapshot } from '../../../api/resources.ts'
import { type Answer, type Column, rows } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { items } from '../../wire/request.ts'
import { guestName } from '../../work/targets.ts'

const columns: readonly Column<Snapshot>[] = [
  { title: 'NAME', get: (snapshot) => `${snapshot.guest}@${snapshot.name}` },
  { title: 'STATE', as: 'state', get: (snapshot) => snapshot.state },
  { title: 'SIZE', as: 'bytes', sparse: true, get: (snapshot) => snapshot.sizeBytes },
  { title: 'AGE', as: 'age', get: (snapshot) => snapshot.created },
]

export async function run(context: Context): Promise<Answer> {
  const word = context.args.maybe('GUEST')
  const guest = word === undefined ? undefined : guestName(word)
  const snapshots = items(await context.client.request('listSnapshots', { query: { guest } }))
  return rows(snapshots, columns, {
    name: (snapshot) => `${snapshot.guest}@${snapshot.name}`,
    empty: `no snapshots: croft snapshot add ${guest ?? 'web'}@NAME`,
  })
}
