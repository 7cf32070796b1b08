import { CroftError } from '../../../api/errors.ts'
import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { confirmName } from '../../screen/confirm.ts'
import { changeAnswer } from '../../work/change.ts'

export async function run(context: Context): Promise<Answer> {
  const key = context.args.one('KEY')
  const word = context.args.one('JSON')
  const value = parseJson(word === '-' ? await context.io.readStdin() : word)
  await confirmName(context, key, `this writes the raw record ${key}, whatever it means`)
  return changeAnswer(context, { route: 'setData', query: { key }, body: { value } }, ({ result }) =>
    done(key, `${key} written`, { record: result, hint: `croft data get ${key}` }),
  )
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new CroftError('USAGE', `this is not JSON: ${cause instanceof Error ? cause.message : cause}`, { cause })
  }
}
