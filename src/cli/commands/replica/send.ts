/** A replica and a copy are one thing: the one has a time, the other is made when it is asked for. */
import type { Replica } from '../../../api/replica.ts'
import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { bytesText } from '../../screen/cells.ts'
import { changeAnswer } from '../../work/change.ts'
import { everyText } from './every.ts'

export async function send(
  context: Context,
  guest: string,
  asked: { readonly to: string; readonly every?: string },
): Promise<Answer> {
  const rate = context.flags.text('rate')
  const body = { ...asked, ...(rate === undefined ? {} : { rate }) }
  return changeAnswer(context, { route: 'replicateGuest', params: { guest }, body }, async () => {
    const found = await context.client.request('listReplicas', { query: { guest } })
    const replica = ('items' in found ? found.items : found).find(({ host }) => host === asked.to)
    return done(guest, replica ? line(replica) : `${guest} has no replica on ${asked.to} any more`, {
      record: replica,
      hint: `croft replica ls ${guest}`,
    })
  })
}

function line({ guest, host, everyMs, sentBytes, tookMs }: Replica): string {
  const sent = sentBytes ? ` (${bytesText(sentBytes)} in ${((tookMs ?? 0) / 1000).toFixed(1)} s)` : ''
  return everyMs === null
    ? `${guest} is copied to ${host}${sent}`
    : `${guest} has a replica on ${host}, ${everyText(everyMs)}${sent}`
}
