import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { guestName } from '../../work/targets.ts'
import { send } from './send.ts'

const unlessSaid = '5m'

export async function run(context: Context): Promise<Answer> {
  const guest = guestName(context.args.one('GUEST'))
  const every = new Map(context.settings).get('every') ?? unlessSaid
  return send(context, guest, { to: context.args.one('HOST'), every })
}
