import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { confirmName } from '../../screen/confirm.ts'
import { parseSnapshot } from '../../words/point.ts'
import { changeAnswer } from '../../work/change.ts'
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
