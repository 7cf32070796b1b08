import { type Answer, done } from '../../answer.ts'
import { changeAnswer } from '../../change.ts'
import { confirmName } from '../../confirm.ts'
import type { Context } from '../../context.ts'
import { parseSnapshot } from '../../point.ts'
import { mustExist } from './exists.ts'

export async function run(context: Context): Promise<Answer> {
  const word = context.args.one('SNAPSHOT')
  const { guest, snapshot } = parseSnapshot(word)
  await mustExist(context, [{ guest, snapshot }])
  await confirmName(context, guest, `this puts ${guest} back to ${word}; what was written since is lost`)
  return changeAnswer(context, { route: 'restoreSnapshot', params: { guest, snapshot } }, ({ result }) =>
    done(guest, `${guest} is as it was at ${word}`, { record: result }),
  )
}
