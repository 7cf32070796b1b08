import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { deployAnswer } from '../../work/deploy.ts'

export async function run(context: Context): Promise<Answer> {
  const size = context.flags.text('size')
  const instances = context.args.one('NUMBER')
  return deployAnswer(context, context.args.one('SITE'), { instances, ...(size === undefined ? {} : { size }) })
}
