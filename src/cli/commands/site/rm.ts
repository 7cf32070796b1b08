import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { confirmName } from '../../screen/confirm.ts'
import { bulk } from '../../work/bulk.ts'
import { changeResult } from '../../work/change.ts'
import { withStdin } from '../../work/targets.ts'

export async function run(context: Context): Promise<Answer> {
  const names = [...new Set(await withStdin(context, context.args.many('SITE')))]
  const discardData = context.flags.has('discard-data') || undefined
  const typed = names.length === 1 ? (names[0] ?? '') : `${names.length} sites`
  // What is not there is said before anybody is asked.
  if (names.length === 1) await context.client.request('getSite', { params: { site: typed } })
  const what = `this removes ${names.join(' ')}, configuration and secrets${discardData ? ', and all lasting data' : ''}`
  if (names.length > 0) await confirmName(context, typed, what)
  return bulk(context, { names, many: names.length > 1 }, (name, signal) =>
    changeResult(
      context,
      { route: 'removeSite', params: { site: name }, query: { discardData }, name, signal },
      () => ({
        name,
        text: `${name} removed`,
        record: null,
      }),
    ),
  )
}
