import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { items } from '../../wire/request.ts'
import { planAnswer } from '../../work/change.ts'
import { hostName } from './which.ts'

export async function run(context: Context): Promise<Answer> {
  const plan = await context.client.request('planHost', { params: { host: await hostName(context) } })
  return planAnswer(context, 'steps' in plan ? plan.steps : items(plan))
}
