import type { AddressView } from '../../../api/guest.ts'
import { type Answer, type Column, rows } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { items } from '../../wire/request.ts'
import { guestName } from '../../work/targets.ts'

const columns: readonly Column<AddressView>[] = [
  { title: 'ADDRESS', get: ({ address }) => address },
  { title: 'GUEST', get: ({ guest }) => guest },
  { title: 'HOST', get: ({ host }) => host },
  { title: 'ANNOUNCED', get: ({ announce }) => (announce ? 'yes' : 'no') },
]

/** Only when there is something to say. */
const ofNetwork: Column<AddressView> = { title: 'NETWORK', get: ({ network }) => network }

export async function run(context: Context): Promise<Answer> {
  const word = context.args.maybe('GUEST')
  const name = word === undefined ? undefined : guestName(word)
  if (name !== undefined) await context.client.request('getGuest', { params: { guest: name } })
  const all = items(await context.client.request('listAddresses'))
  const found = all.filter(({ guest }) => name === undefined || guest === name)
  return rows(found, found.some(({ network }) => network !== undefined) ? [...columns, ofNetwork] : columns, {
    name: ({ address }) => address,
    empty: `no public addresses: croft address add ${name ?? 'web'} ADDRESS`,
  })
}
