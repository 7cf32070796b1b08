import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { changeAnswer } from '../../work/change.ts'
import { guestName } from '../../work/targets.ts'
import { guestAfter } from './outcome.ts'

export async function run(context: Context): Promise<Answer> {
  const guest = guestName(context.args.one('GUEST'))
  const to = context.args.one('HOST')
  const rate = context.flags.text('rate')
  const body = { to, ...(rate === undefined ? {} : { rate }) }
  const change = { route: 'moveGuest', params: { guest }, body, narrate: true } as const
  return changeAnswer(context, change, async (changed) => {
    const now = await guestAfter(context, guest, changed)
    const told = changed.operation?.log.at(-1)?.match(/^start: (.*)$/)?.[1]
    return done(guest, told ?? `${guest} is on ${now.host}`, { record: now, hint: `croft show ${guest}` })
  })
}
