import type { App } from '../../../api/app.ts'
import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { changeAnswer, wrongUse } from '../../work/change.ts'
import { appLine } from './columns.ts'

export async function run(context: Context): Promise<Answer> {
  const app = context.args.one('APP')
  if (context.settings.length === 0) throw wrongUse(`croft app set: what of ${app} is to be set? (git=URL, ref=main)`)
  const body = Object.fromEntries(context.settings)
  return changeAnswer(context, { route: 'changeApp', params: { app }, body }, ({ result }) => {
    const changed = result as App
    return done(changed.name, appLine(changed), { record: changed })
  })
}
