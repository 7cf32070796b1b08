import { type Answer, rows } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { items } from '../../request.ts'
import { selectGuests, withStdin } from '../../targets.ts'
import { guestColumns } from './columns.ts'

export async function run(context: Context): Promise<Answer> {
  const words = await withStdin(context, context.args.many('GUEST'))
  const guests = items(await context.client.request('listGuests'))
  return rows(selectGuests(context, guests, words), guestColumns, {
    name: (guest) => guest.name,
    empty: guests.length === 0 ? 'no guests yet: croft create web debian:12' : 'no guest is meant by that',
  })
}
