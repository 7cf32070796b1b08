import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { deployAnswer, siteNamed, versionOf } from '../../work/deploy.ts'

export async function run(context: Context): Promise<Answer> {
  const site = await siteNamed(context, context.args.one('SITE'))
  const version = versionOf(site, context.args.maybe('VERSION'))
  const codeOnly = context.flags.has('code-only')
  const body = { back: true, ...(codeOnly ? { codeOnly } : {}), ...(version === undefined ? {} : { version }) }
  return deployAnswer(context, site, body)
}
