import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { changeAnswer } from '../../work/change.ts'
import { guestName } from '../../work/targets.ts'

export async function run(context: Context): Promise<Answer> {
  const guest = guestName(context.args.one('GUEST'))
  const target = context.args.one('GUEST_FOLDER')
  return changeAnswer(context, { route: 'removeMount', params: { guest }, body: { target } }, ({ result }) =>
    done(guest, `${guest} has nothing of the host on ${target}, from its next start on`, {
      record: result,
      hint: `croft restart ${guest}`,
    }),
  )
}
