import type { Site } from '../../../api/site.ts'
import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { changeAnswer } from '../../work/change.ts'

export async function run(context: Context): Promise<Answer> {
  const body = { name: context.args.one('SITE') }
  return changeAnswer(context, { route: 'addSite', body }, ({ result }) => {
    const site = result as Site
    return done(site.name, `${site.name} is there, and runs nothing yet`, {
      record: site,
      hint: `croft deploy ${site.name}`,
    })
  })
}
