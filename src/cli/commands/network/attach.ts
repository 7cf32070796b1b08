import type { Guest } from '../../../api/guest.ts'
import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { changeAnswer } from '../../work/change.ts'
import { guestName } from '../../work/targets.ts'

export async function run(context: Context): Promise<Answer> {
  const network = context.args.one('NETWORK')
  const guest = guestName(context.args.one('GUEST'))
  const body = { network, addresses: context.args.many('ADDRESS') }
  return changeAnswer(context, { route: 'joinNetwork', params: { guest }, body }, ({ result }) => {
    const { spec } = result as Guest
    const has = (spec.addresses ?? []).flatMap((each) => (each.network === network ? each.address : []))
    return done(guest, `${guest} has ${has.join(', ')} on ${network}`, {
      record: result,
      hint: `nothing comes in before a rule: croft allow ${guest} from any tcp/443`,
    })
  })
}
