import type { EdgeRoute } from '../../../api/edge.ts'
import { CroftError, isCode, toCroftError } from '../../../api/errors.ts'
import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { changeAnswer, wrongUse } from '../../work/change.ts'
import { routeLine } from './columns.ts'
import { readRouteSettings } from './settings.ts'

export async function run(context: Context): Promise<Answer> {
  const { args, flags } = context
  const name = args.one('DOMAIN/PATH')
  const to = args.maybe('GUEST:PORT')
  const [redirect, upstream] = [flags.text('redirect'), flags.text('upstream')]
  const change = await readRouteSettings(context)
  const body = {
    ...{ name, ...change },
    ...(to === undefined ? {} : { to }),
    ...(redirect === undefined ? {} : { redirect }),
    ...(upstream === undefined ? {} : { upstream }),
  }
  const said = [to, body.redirect, body.upstream].filter((each) => each !== undefined)
  if (said.length > 1)
    throw wrongUse(`croft route add: ${name} leads to one of a guest, --redirect URL and --upstream URL`)
  if (said.length === 0)
    throw wrongUse(`croft route add: where does ${name} lead? A guest, --redirect URL or --upstream URL`)
  return changeAnswer(context, { route: 'addRoute', body }, ({ result }) => {
    const route = result as EdgeRoute
    return done(route.name, routeLine(route), { record: route })
  }).catch((thrown) => {
    if (to === undefined || !isCode(thrown, 'EXISTS') || toCroftError(thrown).hint !== `croft route set ${name}`)
      throw thrown
    throw new CroftError('EXISTS', toCroftError(thrown).message, { hint: `croft route set ${name} to=${to}` })
  })
}
