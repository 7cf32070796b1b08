import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { bulk } from '../../work/bulk.ts'
import { changeResult } from '../../work/change.ts'
import { withStdin } from '../../work/targets.ts'

export async function run(context: Context): Promise<Answer> {
  const names = [...new Set(await withStdin(context, context.args.many('APP')))]
  return bulk(context, { names, many: names.length > 1 }, (name, signal) =>
    changeResult(context, { route: 'removeApp', params: { app: name }, name, signal }, () => ({
      name,
      text: `${name} is forgotten`,
      record: null,
    })),
  )
}
