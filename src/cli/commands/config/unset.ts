import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { changeAnswer } from '../../work/change.ts'
import { applyWord, deployAnswer } from '../../work/deploy.ts'
import { scopeOf } from './values.ts'

export async function run(context: Context): Promise<Answer> {
  const site = context.args.one('SITE')
  const unset = [...new Set(context.args.many('SETTING'))]
  const body = { unset, ...scopeOf(context) }
  return changeAnswer(context, { route: 'changeConfig', params: { site }, body }, async ({ result }) =>
    context.flags.has('deploy')
      ? deployAnswer(context, site, {})
      : done(site, `${site}: ${unset.join(' ')} is forgotten, from the next deploy on`, {
          record: result,
          hint: await applyWord(context, site),
        }),
  )
}
