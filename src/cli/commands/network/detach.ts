import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { changeAnswer } from '../../work/change.ts'
import { guestName } from '../../work/targets.ts'

export async function run(context: Context): Promise<Answer> {
  const network = context.args.one('NETWORK')
  const guest = guestName(context.args.one('GUEST'))
  return changeAnswer(context, { route: 'leaveNetwork', params: { guest, network } }, ({ result }) =>
    done(guest, `${guest} has no address of ${network} any more`, { record: result }),
  )
}
