import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { deployAnswer, siteNamed } from '../../work/deploy.ts'

/** The release that runs, with what is set now. */
export const run = async (context: Context): Promise<Answer> =>
  deployAnswer(context, await siteNamed(context, context.args.one('SITE')), {})
