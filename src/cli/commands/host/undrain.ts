import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { changeAnswer } from '../../work/change.ts'

export async function run(context: Context): Promise<Answer> {
  const host = context.args.one('HOST')
  const change = { route: 'drainHost', params: { host }, body: { drained: false } } as const
  return changeAnswer(context, change, ({ result }) => done(host, `${host} takes guests again`, { record: result }))
}
