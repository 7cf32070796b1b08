import type { Host } from '../../../api/host.ts'
import { type Answer, done } from '../../answer.ts'
import { type Context, numberFlag } from '../../context.ts'
import { type Changed, changeAnswer, wrongUse } from '../../work/change.ts'

export async function run(context: Context): Promise<Answer> {
  const host = context.args.one('HOST')
  const { flags } = context
  const move = flags.has('move')
  const only = (['some', 'rate', 'parallel'] as const).find((name) => flags.has(name))
  if (!move && only) throw wrongUse(`croft host drain: --${only} goes with --move`)
  const [rate, parallel] = [flags.text('rate'), numberFlag(context, 'parallel')]
  const more = {
    ...(flags.has('some') ? { some: true } : {}),
    ...(rate === undefined ? {} : { rate }),
    ...(parallel === undefined ? {} : { parallel }),
  }
  const body = { drained: true, ...(move ? { move, ...more } : {}) }
  const change = { route: 'drainHost', params: { host }, body, ...(move ? { narrate: true as const } : {}) } as const
  return changeAnswer(context, change, (changed) => (move ? emptied(host, changed) : closed(host, changed)))
}

function emptied(host: string, { operation, result }: Changed): Answer {
  const told = operation?.log.at(-1) ?? `${host} is empty`
  return done(host, told, { record: result, hint: `croft host undrain ${host} · on ${host}: croft host leave` })
}

const toldGuests = 8

function closed(host: string, { result }: Changed): Answer {
  const record = result as Host
  const { leaving = 0, staying = [] } = record
  const names = staying.slice(0, toldGuests).join(', ') + (staying.length > toldGuests ? ' …' : '')
  const stays = `${staying.length} ${staying.length === 1 ? 'stays' : 'stay'}: ${names}`
  const goes = leaving === 1 ? '1 instance of a site goes elsewhere' : `${leaving} instances of sites go elsewhere`
  const told = [...(leaving === 0 ? [] : [goes]), ...(staying.length === 0 ? [] : [stays])]
  const move = staying.length === 0 ? [] : [`croft host drain ${host} --move`]
  return done(host, `${host} takes no new guests; ${told.length === 0 ? 'it has none' : told.join(', ')}`, {
    record,
    hint: [...move, `croft host undrain ${host}`].join(' · '),
  })
}
