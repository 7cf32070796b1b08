import type { MadeInvitation, NewInvitation } from '../../../api/join.ts'
import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { changeAnswer } from '../../work/change.ts'

/** The token alone goes to stdout, so that a script can take it. */
export async function run(context: Context): Promise<Answer> {
  const { flags } = context
  const address = flags.text('address')
  const expires = flags.text('expires')
  const body: NewInvitation = {
    ...(address === undefined ? {} : { address }),
    ...(expires === undefined ? {} : { expires }),
  }
  return changeAnswer(context, { route: 'inviteHost', body }, ({ result }) => {
    const made = result as MadeInvitation
    if (made.opened)
      context.say(`✓ the door to the outside was shut: hosts reach this one at ${made.address} from now on`)
    context.say(`✓ for one host until ${made.expires}; it is not said again. On that host: croft join, and paste`)
    return { kind: 'text', text: made.token, record: made }
  })
}
