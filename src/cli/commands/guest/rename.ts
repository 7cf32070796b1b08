import { type Answer, done } from '../../answer.ts'
import { changeAnswer } from '../../change.ts'
import type { Context } from '../../context.ts'
import { guestName } from '../../targets.ts'

export async function run(context: Context): Promise<Answer> {
  const guest = guestName(context.args.one('GUEST'))
  const name = context.args.one('NAME')
  return changeAnswer(context, { route: 'renameGuest', params: { guest }, body: { name } }, ({ result }) =>
    done(name, `${guest} is ${name} now`, { record: result }),
  )
}
