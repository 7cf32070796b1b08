import type { Size } from '../../../api/size.ts'
import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { changeAnswer, wrongUse } from '../../work/change.ts'
import { sizeLine } from './line.ts'

export async function run(context: Context): Promise<Answer> {
  const size = context.args.one('SIZE')
  const body = Object.fromEntries(context.settings)
  if (context.settings.length === 0) throw wrongUse(`croft size set: what of ${size} is to be set? (memory=2G)`)
  return changeAnswer(context, { route: 'changeSize', params: { size }, body }, ({ result }) => {
    const changed = result as Size
    return done(changed.name, sizeLine(changed), { record: changed })
  })
}
