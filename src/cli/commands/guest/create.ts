import { CroftError } from '../../../api/errors.ts'
import type { NewGuest } from '../../../api/guest.ts'
import type { NewMembership } from '../../../api/network.ts'
import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { parsePort } from '../../words/ports.ts'
import { readSettings } from '../../words/settings.ts'
import { changeAnswer } from '../../work/change.ts'
import { checkWait, guestResult } from './outcome.ts'

export async function run(context: Context): Promise<Answer> {
  const { args, flags } = context
  checkWait(context)
  const [name, template] = [args.one('NAME'), args.one('TEMPLATE')]
  if (name.includes(':') && !template.includes(':'))
    throw new CroftError('USAGE', `"${name}" is a template; the name of the guest comes first`, {
      hint: `croft create ${template} ${name}`,
    })
  const ports = flags.texts('publish').map(parsePort)
  const host = flags.text('host')
  const networks = flags.texts('network').map(parseNetwork)
  const body: NewGuest = {
    name,
    template,
    start: !flags.has('no-start'),
    ...(ports.length === 0 ? {} : { ports }),
    ...(networks.length === 0 ? {} : { networks }),
    ...(host === undefined ? {} : { host }),
    ...readSettings(context.settings),
  }
  return changeAnswer(context, { route: 'createGuest', body }, async (changed) => ({
    kind: 'done',
    results: [await guestResult(context, name, changed)],
    hint: `croft shell ${name} · croft ls · croft rm ${name}`,
  }))
}

/** `office`, `office:192.0.2.15`, `office:2001:db8::15`. The server checks both. */
function parseNetwork(text: string): NewMembership {
  const [network = '', ...address] = text.split(':')
  return { network, ...(address.length === 0 ? {} : { addresses: [address.join(':')] }) }
}
