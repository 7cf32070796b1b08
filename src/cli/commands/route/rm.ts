import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { bulk } from '../../work/bulk.ts'
import { changeResult } from '../../work/change.ts'

export async function run(context: Context): Promise<Answer> {
  const names = [...new Set(context.args.many('ROUTE'))]
  return bulk(context, { names, many: names.length > 1, atOnce: 1 }, (route, signal) =>
    changeResult(context, { route: 'removeRoute', params: { route }, name: route, signal }, () => ({
      name: route,
      text: `${route} is served no longer`,
      record: null,
    })),
  )
}
