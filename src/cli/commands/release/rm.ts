import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { confirmName } from '../../screen/confirm.ts'
import { bulk } from '../../work/bulk.ts'
import { changeResult } from '../../work/change.ts'
import { withStdin } from '../../work/targets.ts'

export async function run(context: Context): Promise<Answer> {
  const names = [...new Set(await withStdin(context, context.args.many('RELEASE')))]
  const typed = names.length === 1 ? (names[0] ?? '') : `${names.length} releases`
  if (names.length > 0) await confirmName(context, typed, `this removes ${names.join(' ')}`)
  return bulk(context, { names, many: names.length > 1 }, (name, signal) =>
    changeResult(context, { route: 'removeRelease', params: { release: name }, name, signal }, ({ result }) => ({
      name,
      text: `${name} removed`,
      record: result,
    })),
  )
}
