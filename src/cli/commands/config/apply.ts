import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { deployAnswer } from '../../work/deploy.ts'

/** The release that runs, with what is set now. */
export const run = (context: Context): Promise<Answer> => deployAnswer(context, context.args.one('SITE'), {})
