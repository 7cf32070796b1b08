import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { deployAnswer } from '../../work/deploy.ts'

export async function run(context: Context): Promise<Answer> {
  const version = context.args.maybe('VERSION')
  const body = { back: true, ...(version === undefined ? {} : { version }) }
  return deployAnswer(context, context.args.one('SITE'), body)
}
