import type { NewGuest } from '../../../api/guest.ts'
import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { parsePort } from '../../words/ports.ts'
import { readSettings } from '../../words/settings.ts'
import { changeAnswer } from '../../work/change.ts'
import { checkWait, guestResult } from './outcome.ts'

export async function run(context: Context): Promise<Answer> {
  const { args, flags } = context
  checkWait(context)
  const name = args.one('NAME')
  const ports = flags.texts('publish').map(parsePort)
  const host = flags.text('host')
  const body: NewGuest = {
    name,
    template: args.one('TEMPLATE'),
    start: !flags.has('no-start'),
    ...(ports.length === 0 ? {} : { ports }),
    ...(host === undefined ? {} : { host }),
    ...readSettings(context.settings),
  }
  return changeAnswer(context, { route: 'createGuest', body }, async (changed) => ({
    kind: 'done',
    results: [await guestResult(context, name, changed)],
    hint: `croft shell ${name} · croft ls · croft rm ${name}`,
  }))
}
