import { CroftError } from '../../../api/errors.ts'
import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { changeAnswer } from '../../work/change.ts'
import { applyWord } from '../../work/deploy.ts'
import { recordOf } from './history.ts'

export async function run(context: Context): Promise<Answer> {
  const { kind, name } = recordOf(context, context.args.one('NAME'))
  const word = context.args.one('REVISION')
  if (!/^\d{1,15}$/.test(word)) {
    throw new CroftError('USAGE', `"${word}" is not a revision`, { hint: `croft history ${kind} ${name}` })
  }
  const body = { kind, name, revision: Number(word) }
  return changeAnswer(context, { route: 'revert', body }, async ({ unchanged, result }) =>
    !unchanged
      ? done(name, `${kind} ${name}: what revision ${word} changed is put back`, {
          record: result,
          ...(kind === 'config' ? { hint: await applyWord(context, name) } : {}),
        })
      : done(name, `${kind} ${name}: nothing to do, it is as before revision ${word}`, { record: result }),
  )
}
