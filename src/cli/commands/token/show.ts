import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { tokenColumns } from './columns.ts'

export async function run(context: Context): Promise<Answer> {
  const token = await context.client.request('getToken', { params: { token: context.args.one('TOKEN') } })
  const fields = tokenColumns.map(({ title, as, get }) => ({
    title: title.toLowerCase(),
    value: get(token),
    ...(as === undefined ? {} : { as }),
  }))
  return { kind: 'record', record: token, name: token.name, fields }
}
