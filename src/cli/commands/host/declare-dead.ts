import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { confirmName } from '../../screen/confirm.ts'
import { changeAnswer } from '../../work/change.ts'

export async function run(context: Context): Promise<Answer> {
  const host = context.args.one('HOST')
  await confirmName(context, host, `${host} will not be believed any more, also when it comes back`)
  return changeAnswer(context, { route: 'declareDead', params: { host } }, ({ result }) =>
    done(host, `${host} is dead to the farm`, {
      record: result,
      // It held the CA: who has its disks has that too.
      hint: 'croft cert rotate · croft host invite',
    }),
  )
}
