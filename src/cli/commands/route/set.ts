import type { EdgeRoute } from '../../../api/edge.ts'
import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { changeAnswer, wrongUse } from '../../work/change.ts'
import { routeLine } from './columns.ts'
import { readRouteSettings } from './settings.ts'

export async function run(context: Context): Promise<Answer> {
  const route = context.args.one('ROUTE')
  if (context.settings.length === 0)
    throw wrongUse(`croft route set: what of ${route} is to be set? (maintenance=yes, to=web:8080)`)
  const body = await readRouteSettings(context)
  return changeAnswer(context, { route: 'changeRoute', params: { route }, body }, ({ result }) => {
    const changed = result as EdgeRoute
    return done(changed.name, routeLine(changed), { record: changed })
  })
}
