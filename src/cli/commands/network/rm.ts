import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { bulk } from '../../work/bulk.ts'
import { changeResult } from '../../work/change.ts'

export async function run(context: Context): Promise<Answer> {
  const names = [...new Set(context.args.many('NETWORK'))]
  return bulk(context, { names, many: names.length > 1 }, (name, signal) =>
    changeResult(context, { route: 'removeNetwork', params: { network: name }, name, signal }, () => ({
      name,
      text: `${name} removed`,
      record: null,
    })),
  )
}
