import type { Network } from '../../../api/network.ts'
import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { changeAnswer, wrongUse } from '../../work/change.ts'
import { networkLine } from './line.ts'

export async function run(context: Context): Promise<Answer> {
  const network = context.args.one('NETWORK')
  const body = Object.fromEntries(context.settings)
  if (context.settings.length === 0) throw wrongUse(`croft network set: what of ${network} is to be set? (mtu=1496)`)
  return changeAnswer(context, { route: 'changeNetwork', params: { network }, body }, ({ result }) => {
    const changed = result as Network
    return done(changed.name, networkLine(changed), { record: changed, hint: 'croft network check' })
  })
}
