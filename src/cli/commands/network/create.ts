import type { Network } from '../../../api/network.ts'
import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { changeAnswer, wrongUse } from '../../work/change.ts'
import { networkLine } from './line.ts'

export async function run(context: Context): Promise<Answer> {
  const settings = Object.fromEntries(context.settings)
  const missing = ['vlan', 'subnet', 'uplink'].filter((name) => !Object.hasOwn(settings, name))
  if (missing.length > 0) throw wrongUse(`croft network create: a network says ${missing.join('=, ')}= too`)
  const body = { name: context.args.one('NETWORK'), ...settings }
  return changeAnswer(context, { route: 'addNetwork', body }, ({ result }) => {
    const network = result as Network
    return done(network.name, networkLine(network), {
      record: network,
      hint: `croft network attach ${network.name} GUEST · croft network check`,
    })
  })
}
