import type { Host } from '../../../api/host.ts'
import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { changeAnswer } from '../../work/change.ts'

export async function run(context: Context): Promise<Answer> {
  const host = context.args.one('HOST')
  const change = { route: 'drainHost', params: { host }, body: { drained: true } } as const
  return changeAnswer(context, change, ({ result }) => {
    const record = result as Host
    const { total } = record.guests
    const has = total === 0 ? 'it has none' : `the ${total} it has stay${total === 1 ? 's' : ''}`
    return done(host, `${host} takes no new guests; ${has}`, { record, hint: `croft host undrain ${host}` })
  })
}
