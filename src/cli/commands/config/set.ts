import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { changeAnswer } from '../../work/change.ts'
import { applyWord, deployAnswer } from '../../work/deploy.ts'
import { readAssignment, scopeOf } from './values.ts'

export async function run(context: Context): Promise<Answer> {
  const site = context.args.one('SITE')
  const words = context.args.many('SETTING=VALUE').map(readAssignment)
  const body = { set: Object.fromEntries(words), ...scopeOf(context) }
  return changeAnswer(context, { route: 'changeConfig', params: { site }, body }, async ({ result, unchanged }) => {
    if (context.flags.has('deploy')) return deployAnswer(context, site, {})
    const paths = words.map(([path]) => path).join(' ')
    if (unchanged) return done(site, `${site}: ${paths} was set so already`, { record: result })
    return done(site, `${site}: ${paths} is set, from the next deploy on`, {
      record: result,
      hint: await applyWord(context, site),
    })
  })
}
