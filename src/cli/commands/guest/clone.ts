import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { parsePoint, parseSnapshot } from '../../words/point.ts'
import { changeAnswer } from '../../work/change.ts'
import { guestName } from '../../work/targets.ts'
import { guestResult } from './outcome.ts'

export async function run(context: Context): Promise<Answer> {
  const { args, flags } = context
  const source = args.one('GUEST')
  const pointed = parsePoint(source).kind === 'snapshot' ? parseSnapshot(source) : undefined
  const guest = pointed ? pointed.guest : guestName(source)
  const snapshot = pointed?.snapshot ?? flags.text('snapshot')
  const name = args.one('NAME')
  const body = { name, start: !flags.has('no-start'), ...(snapshot === undefined ? {} : { snapshot }) }
  return changeAnswer(context, { route: 'cloneGuest', params: { guest }, body }, async (changed) => ({
    kind: 'done',
    results: [await guestResult(context, name, changed)],
    hint: `croft shell ${name} · croft rm ${name}`,
  }))
}
