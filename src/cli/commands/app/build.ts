import type { Build } from '../../../api/site.ts'
import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { buildBody, builtLine, planBuild } from '../../files/build.ts'
import { codeOf } from '../../files/source.ts'
import { changeAnswer } from '../../work/change.ts'

export async function run(context: Context): Promise<Answer> {
  const code = await codeOf(context, context.args.maybe('APP'))
  const { app } = code
  const planned = await planBuild(context, code)
  if (planned) return planned
  const change = { route: 'addBuild', params: { app }, body: await buildBody(context, code), narrate: true } as const
  return changeAnswer(context, change, async ({ result, operation }) => {
    const { id } = result as Build
    const build = operation ? await context.client.request('getBuild', { params: { build: id } }) : (result as Build)
    const hint = `croft deploy ${app}/prod ${build.version}`
    return done(build.release ?? id, await builtLine(context, build), { record: build, hint })
  })
}
