import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { bulk } from '../../work/bulk.ts'
import { changeResult } from '../../work/change.ts'

export async function run(context: Context): Promise<Answer> {
  const names = [...new Set(context.args.many('ADDRESS'))]
  return bulk(context, { names, many: names.length > 1, atOnce: 1 }, (address, signal) =>
    changeResult(context, { route: 'removeAddress', params: { address }, name: address, signal }, ({ result }) => ({
      name: address,
      text: `${address} is nobody’s now`,
      record: result,
    })),
  )
}
