import type { Host } from '../../../api/host.ts'
import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { changeAnswer } from '../../work/change.ts'

export async function run(context: Context): Promise<Answer> {
  const host = context.args.one('HOST')
  const change = { route: 'drainHost', params: { host }, body: { drained: true } } as const
  return changeAnswer(context, change, ({ result }) => {
    const record = result as Host
    const { guests, leaving = 0 } = record
    const stays = Math.max(0, guests.total - leaving)
    const has = guests.total === 0 ? 'it has none' : `the ${stays} it has stay${stays === 1 ? 's' : ''}`
    const goes = leaving === 1 ? '1 instance of a site goes' : `${leaving} instances of sites go`
    const all = leaving === 0 ? has : `${goes} elsewhere${stays === 0 ? '' : `; ${has.replace('it has', 'others')}`}`
    return done(host, `${host} takes no new guests; ${all}`, { record, hint: `croft host undrain ${host}` })
  })
}
