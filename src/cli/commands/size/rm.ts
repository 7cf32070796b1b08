import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { bulk } from '../../work/bulk.ts'
import { changeResult } from '../../work/change.ts'

export async function run(context: Context): Promise<Answer> {
  const names = [...new Set(context.args.many('SIZE'))]
  return bulk(context, { names, many: names.length > 1 }, (name, signal) =>
    changeResult(context, { route: 'removeSize', params: { size: name }, name, signal }, () => ({
      name,
      text: `${name} removed`,
      record: null,
    })),
  )
}
