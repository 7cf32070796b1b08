import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { checkCount, deployAnswer } from '../../work/deploy.ts'

export async function run(context: Context): Promise<Answer> {
  const size = context.flags.text('size')
  const [site, instances] = [context.args.one('SITE'), context.args.one('NUMBER')]
  checkCount(site, instances)
  return deployAnswer(context, site, { instances, ...(size === undefined ? {} : { size }) })
}
