import type { App } from '../../../api/app.ts'
import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { changeAnswer } from '../../work/change.ts'
import { appLine } from './columns.ts'

export async function run(context: Context): Promise<Answer> {
  const body = { name: context.args.one('APP'), ...Object.fromEntries(context.settings) }
  return changeAnswer(context, { route: 'addApp', body }, ({ result }) => {
    const app = result as App
    return done(app.name, appLine(app), { record: app, hint: `croft deploy ${app.name}/prod` })
  })
}
