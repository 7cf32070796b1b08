import { CroftError } from '../../../api/errors.ts'
import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { parsePoint } from '../../words/point.ts'
import { changeAnswer } from '../../work/change.ts'

export async function run(context: Context): Promise<Answer> {
  const ref = context.args.one('TEMPLATE')
  if (!ref.includes(':'))
    throw new CroftError('USAGE', `"${ref}" names no version`, {
      hint: `croft template publish ${context.args.one('GUEST')} ${ref}:v1`,
    })
  const params = { template: ref }
  const body = sourceOf(context.args.one('GUEST'))
  return changeAnswer(context, { route: 'publishTemplate', params, body }, async () => {
    const template = await context.client.request('getTemplate', { params })
    return done(ref, `template ${ref}`, { record: template, hint: `croft create web ${ref}` })
  })
}

function sourceOf(word: string): { readonly guest: string; readonly snapshot?: string } {
  const point = parsePoint(word)
  if (point.kind === 'guest') return { guest: word }
  if (point.kind === 'snapshot') return { guest: point.guest, snapshot: point.snapshot }
  throw new CroftError('USAGE', `"${word}" is neither a guest nor a snapshot like web@monday`, { hint: 'croft ls' })
}
