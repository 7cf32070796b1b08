import { CroftError } from '../../../api/errors.ts'
import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { confirmName } from '../../screen/confirm.ts'
import { items } from '../../wire/request.ts'
import { bulk } from '../../work/bulk.ts'
import { changeResult } from '../../work/change.ts'
import { withStdin } from '../../work/targets.ts'

export async function run(context: Context): Promise<Answer> {
  const names = [...new Set(await withStdin(context, context.args.many('TOKEN')))]
  const known = items(await context.client.request('listTokens')).map(({ name }) => name)
  if (names.length > 0 && !names.some((name) => known.includes(name)))
    throw new CroftError('NOT_FOUND', `no token "${names.join('", "')}"`, { hint: 'croft token ls' })
  const typed = names.length === 1 ? (names[0] ?? '') : `${names.length} tokens`
  if (names.length > 0) await confirmName(context, typed, `this shuts out ${names.join(' ')}`)
  return bulk(context, { names, many: names.length > 1 }, (name, signal) =>
    changeResult(context, { route: 'removeToken', params: { token: name }, name, signal }, () => ({
      name,
      text: `${name} removed: refused from now on`,
      record: null,
    })),
  )
}
