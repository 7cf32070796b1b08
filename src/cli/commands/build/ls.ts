import { type Answer, rows } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { items } from '../../wire/request.ts'
import { buildColumns } from './columns.ts'

export async function run(context: Context): Promise<Answer> {
  const app = context.args.maybe('APP')
  const builds = items(await context.client.request('listBuilds'))
  return rows(
    builds.filter((build) => app === undefined || build.app === app),
    buildColumns,
    { name: (build) => build.id, empty: 'no builds yet: croft app build, in the folder of some code' },
  )
}
