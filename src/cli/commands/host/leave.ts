import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { confirmName } from '../../screen/confirm.ts'
import { changeAnswer } from '../../work/change.ts'
import { hostName } from './which.ts'

export async function run(context: Context): Promise<Answer> {
  const host = await hostName(context)
  await confirmName(context, host, `this takes ${host} out of the farm`)
  return changeAnswer(context, { route: 'leaveFarm', params: { host } }, () =>
    done(host, `${host} has left the farm`, { hint: 'croft join TOKEN · croft init' }),
  )
}
