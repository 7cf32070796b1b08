import { CroftError, isCode } from '../../../api/errors.ts'
import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { items } from '../../wire/request.ts'
import { parsePoint } from '../../words/point.ts'
import { type Changed, changeAnswer } from '../../work/change.ts'
import { guestName } from '../../work/targets.ts'
import { guestAfter } from './outcome.ts'

export async function run(context: Context): Promise<Answer> {
  const word = context.args.one('GUEST')
  const to = context.args.one('HOST')
  const rate = context.flags.text('rate')
  const body = { to, ...(rate === undefined ? {} : { rate }) }
  return parsePoint(word).kind === 'site' ? moveSite(context, word, body) : moveGuest(context, guestName(word), body)
}

interface Body {
  readonly to: string
  readonly rate?: string
}

const moveGuest = (context: Context, guest: string, body: Body): Promise<Answer> =>
  changeAnswer(context, { route: 'moveGuest', params: { guest }, body, narrate: true }, async (changed) => {
    const now = await guestAfter(context, guest, changed)
    const text = lastWord(changed) ?? `${guest} is on ${now.host}`
    return done(guest, text, { record: now, hint: `croft show ${guest}` })
  }).catch(async (thrown) => {
    throw isCode(thrown, 'GUEST_NOT_FOUND') && (await isSwapped(context, guest, body.to))
      ? swapped(guest, body.to)
      : thrown
  })

async function isSwapped({ client }: Context, guest: string, to: string): Promise<boolean> {
  const hosts = items(await client.request('listHosts').catch(() => []))
  return hosts.some(({ name }) => name === guest) && !hosts.some(({ name }) => name === to)
}

const swapped = (host: string, guest: string): CroftError =>
  new CroftError('GUEST_NOT_FOUND', `"${host}" is a host; the guest comes first`, {
    hint: `croft move ${guest} ${host}`,
  })

/** Its lasting data, and all instances that have it. */
const moveSite = (context: Context, site: string, body: Body): Promise<Answer> =>
  changeAnswer(context, { route: 'moveSite', params: { site }, body, narrate: true }, async (changed) => {
    const record = await context.client.request('getSite', { params: { site } })
    const text = lastWord(changed) ?? `${site} is on ${body.to}`
    return done(site, text, { record, hint: `croft site show ${site}` })
  })

const lastWord = ({ operation }: Changed): string | undefined => operation?.log.at(-1)?.match(/^start: (.*)$/)?.[1]
