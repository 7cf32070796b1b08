import type { MadeToken, NewToken } from '../../../api/door.ts'
import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { changeAnswer, wrongUse } from '../../work/change.ts'

/** The secret alone goes to stdout, so that a script can take it. */
export async function run(context: Context): Promise<Answer> {
  const body = readToken(context)
  return changeAnswer(context, { route: 'addToken', body }, ({ result }) => {
    const made = result as MadeToken
    const until = made.expires === null ? 'for ever' : `until ${made.expires}`
    if (made.login === undefined)
      context.say(`✓ ${made.kind} ${made.name} as ${made.role} ${until}; it is not said again:`)
    else context.say(`✓ for one login as ${made.role} ${until}. On the other machine: croft login, and paste`)
    return { kind: 'text', text: made.login ?? made.secret, record: made }
  })
}

function readToken(context: Context): NewToken {
  const { args, flags } = context
  // Who logs in is a person, most often the one who asks; a program gets what it was given on purpose.
  const role = flags.text('role') ?? (flags.has('login') ? 'operator' : '')
  if (role !== 'operator' && role !== 'reader')
    throw wrongUse(
      role === '' ? 'say what it may: --role reader or --role operator' : `--role is operator or reader, not "${role}"`,
    )
  const expires = flags.text('expires')
  const address = flags.text('address')
  return {
    ...{ name: args.one('TOKEN'), role, login: flags.has('login'), certificate: flags.has('cert') },
    ...(expires === undefined ? {} : { expires }),
    ...(address === undefined ? {} : { address }),
  }
}
