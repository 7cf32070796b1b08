import type { Release } from '../../../api/site.ts'
import { type Answer, type Column, rows } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { items } from '../../wire/request.ts'

const columns: readonly Column<Release>[] = [
  { title: 'RELEASE', get: (release) => release.ref },
  { title: 'STATE', as: 'state', get: (release) => release.state },
  { title: 'PLATFORM', get: (release) => release.platform },
  { title: 'SIZE', as: 'bytes', get: (release) => release.sizeBytes },
  { title: 'BUILT', as: 'seconds', get: (release) => release.buildSeconds },
  { title: 'COMMIT', sparse: true, get: (release) => release.commit?.slice(0, 8) ?? null },
  { title: 'USED BY', elastic: true, get: (release) => release.usedBy.join(' ') || null },
  { title: 'SOURCE', wide: true, get: (release) => release.source },
  { title: 'BY', wide: true, get: (release) => release.by },
  { title: 'AGE', as: 'age', get: (release) => release.created },
]

export async function run(context: Context): Promise<Answer> {
  const query = { app: context.args.maybe('APP') }
  return rows(items(await context.client.request('listReleases', { query })), columns, {
    name: (release) => release.ref,
    empty: 'no releases: croft app build, in the folder of some code',
  })
}
