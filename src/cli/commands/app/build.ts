import type { Build } from '../../../api/site.ts'
import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { sourceOf } from '../../files/source.ts'
import { changeAnswer } from '../../work/change.ts'

export async function run(context: Context): Promise<Answer> {
  const { app, source } = await sourceOf(context, context.args.maybe('APP'))
  const version = context.flags.text('as')
  const body = { ...(source === undefined ? {} : { source }), ...(version === undefined ? {} : { version }) }
  const change = { route: 'addBuild', params: { app }, body, narrate: true } as const
  return changeAnswer(context, change, async ({ result, operation }) => {
    const { id } = result as Build
    const build = operation ? await context.client.request('getBuild', { params: { build: id } }) : (result as Build)
    const { release, already } = build
    const hint = `croft deploy ${app}/prod ${build.version}`
    return done(release ?? id, already ? `${release} is already that` : `${release} built`, { record: build, hint })
  })
}
