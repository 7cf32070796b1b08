import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { changeAnswer } from '../../work/change.ts'
import { hostName } from '../host/which.ts'

export async function run(context: Context): Promise<Answer> {
  const host = await hostName(context)
  return changeAnswer(context, { route: 'rotateMeshKey', params: { host }, body: {} }, ({ result }) => {
    const { publicKey } = result as { readonly publicKey: string }
    return done(host, `${host} has a new key: ${publicKey}`, { record: result, hint: `croft network check ${host}` })
  })
}
