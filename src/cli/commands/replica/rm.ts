import { CroftError } from '../../../api/errors.ts'
import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { canAsk, confirmName } from '../../screen/confirm.ts'
import { items } from '../../wire/request.ts'
import { changeAnswer } from '../../work/change.ts'
import { guestName } from '../../work/targets.ts'

export async function run(context: Context): Promise<Answer> {
  const guest = guestName(context.args.one('GUEST'))
  const host = context.args.one('HOST')
  await confirmLast(context, guest, host)
  return changeAnswer(context, { route: 'removeReplica', params: { guest, host } }, () =>
    done(guest, `the replica of ${guest} on ${host} goes`, { hint: `croft replica ls ${guest}` }),
  )
}

/** Nobody is asked about what is not there. */
async function confirmLast(context: Context, guest: string, host: string): Promise<void> {
  if (context.flags.has('last-copy') || context.flags.has('dry-run')) return
  const all = items(await context.client.request('listReplicas', { query: { guest } }))
  const lasting = all.filter(({ state }) => state !== 'removing')
  if (!lasting.some((replica) => replica.host === host) || lasting.length > 1) return
  const what = `${guest} then lies on ${lasting[0]?.from} alone: this is its last other copy`
  if (!context.flags.has('yes') && !canAsk(context))
    throw new CroftError('NEEDS_CONFIRMATION', `${what}, and there is no terminal to ask on`, {
      hint: 'say --last-copy',
    })
  await confirmName(context, guest, what)
}
