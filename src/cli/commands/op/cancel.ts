import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { operationId } from './id.ts'

export async function run(context: Context): Promise<Answer> {
  const id = await operationId(context)
  const record = await context.client.request('cancelOperation', { params: { operation: id } })
  return done(id, `${id} is asked to stop`, { record, hint: `croft op show ${id}` })
}
