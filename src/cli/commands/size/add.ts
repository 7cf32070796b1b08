import type { Size } from '../../../api/size.ts'
import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { changeAnswer, wrongUse } from '../../work/change.ts'
import { sizeLine } from './line.ts'

export async function run(context: Context): Promise<Answer> {
  const settings = Object.fromEntries(context.settings)
  const missing = (context.row.settings ?? []).filter((name) => !Object.hasOwn(settings, name))
  if (missing.length > 0) throw wrongUse(`croft size add: a size says ${missing.join('=, ')}= too`)
  const body = { name: context.args.one('SIZE'), ...settings }
  return changeAnswer(context, { route: 'addSize', body }, ({ result }) => {
    const size = result as Size
    return done(size.name, sizeLine(size), { record: size })
  })
}
