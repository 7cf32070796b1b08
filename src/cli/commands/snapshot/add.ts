import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { parsePoint, parseSnapshot } from '../../words/point.ts'
import { changeAnswer } from '../../work/change.ts'
import { guestName } from '../../work/targets.ts'

export async function run(context: Context): Promise<Answer> {
  const word = context.args.one('SNAPSHOT')
  const { guest, snapshot } =
    parsePoint(word).kind === 'guest' ? { guest: guestName(word), snapshot: undefined } : parseSnapshot(word)
  const body = snapshot === undefined ? {} : { name: snapshot }
  return changeAnswer(context, { route: 'takeSnapshot', params: { guest }, body }, ({ result }) => {
    const name = (result as { name?: string } | null)?.name ?? snapshot ?? 'snapshot'
    return done(`${guest}@${name}`, `${guest}@${name} taken`, {
      record: result,
      hint: `croft restore ${guest}@${name} · croft clone ${guest}@${name} NAME`,
    })
  })
}
