import { CroftError } from '../../../api/errors.ts'
import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { jsonText } from '../../screen/render.ts'
import { items } from '../../wire/request.ts'

export async function run(context: Context): Promise<Answer> {
  const key = context.args.one('KEY')
  const entries = items(await context.client.request('listData', { query: { prefix: key } }))
  const entry = entries.find((each) => each.key === key)
  if (!entry) throw new CroftError('NOT_FOUND', `no record "${key}"`, { hint: 'croft data ls' })
  return { kind: 'text', text: jsonText(entry.value, 2), record: entry }
}
