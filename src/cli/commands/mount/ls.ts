import type { MountView } from '../../../api/mount.ts'
import { type Answer, type Column, rows } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { items } from '../../wire/request.ts'
import { guestName } from '../../work/targets.ts'

const columns: readonly Column<MountView>[] = [
  { title: 'GUEST', get: ({ guest }) => guest },
  { title: 'ON', get: ({ target }) => target },
  { title: 'FOLDER OF THE HOST', elastic: true, get: ({ source }) => source },
  { title: 'MAY', get: ({ readOnly }) => (readOnly ? 'read' : 'write') },
]

export async function run(context: Context): Promise<Answer> {
  const word = context.args.maybe('GUEST')
  const { client } = context
  const guests =
    word === undefined
      ? items(await client.request('listGuests'))
      : [await client.request('getGuest', { params: { guest: guestName(word) } })]
  const found = guests.flatMap(({ name, spec }) => (spec.mounts ?? []).map((mount) => ({ guest: name, ...mount })))
  return rows(found, columns, {
    name: ({ target }) => target,
    empty: `no folders of the host: croft mount add ${word ?? 'web'} /srv/photos:/mnt/photos`,
  })
}
