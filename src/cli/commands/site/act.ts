import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { changeAnswer } from '../../work/change.ts'
import { inTurn } from '../../work/deploy.ts'

export async function act(context: Context, what: 'start' | 'stop'): Promise<Answer> {
  const site = context.args.one('SITE')
  const change = { route: 'actSite', params: { site }, body: { do: what } } as const
  return inTurn(context, () =>
    changeAnswer(context, change, async () => {
      const record = await context.client.request('getSite', { params: { site } })
      const hint = what === 'stop' ? `croft site start ${site}` : `croft site show ${site}`
      return done(site, `${site} ${what === 'stop' ? 'stopped' : 'started'}`, { record, hint })
    }),
  )
}
