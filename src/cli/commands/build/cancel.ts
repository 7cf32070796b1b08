import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { changeAnswer } from '../../work/change.ts'
import { buildId } from './columns.ts'

export async function run(context: Context): Promise<Answer> {
  const build = await buildId(context)
  return changeAnswer(context, { route: 'cancelBuild', params: { build } }, ({ result }) =>
    done(build, `${build} is asked to end`, { record: result, hint: `croft build show ${build.slice(0, 12)}` }),
  )
}
