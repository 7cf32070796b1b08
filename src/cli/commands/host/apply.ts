import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { changeAnswer } from '../../work/change.ts'
import { hostName } from './which.ts'

interface Applied {
  readonly adopted?: readonly unknown[]
  readonly left?: readonly unknown[]
}

export async function run(context: Context): Promise<Answer> {
  const host = await hostName(context)
  const query = { adopt: context.flags.has('adopt') || undefined }
  return changeAnswer(context, { route: 'applyHost', params: { host }, query, narrate: true }, ({ result }) => {
    const { adopted = [], left = [] } = (result ?? {}) as Applied
    const took = adopted.length === 0 ? '' : `, ${adopted.length} taken in`
    const text = left.length === 0 ? `${host} is as it should be` : `${host} has ${left.length} steps left`
    return done(host, text + took, { record: result, ...(left.length === 0 ? {} : { hint: 'croft host plan' }) })
  })
}
