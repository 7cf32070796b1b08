import type { Door } from '../../../api/door.ts'
import type { Farm } from '../../../api/resources.ts'
import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { changeAnswer } from '../../work/change.ts'

export async function run(context: Context): Promise<Answer> {
  const finish = context.flags.has('finish')
  return changeAnswer(context, { route: 'rotateCa', body: { finish } }, ({ result }) => {
    const { name, door } = result as Farm & { readonly door: Door }
    if (finish) return done(name, `${name} trusts its CA ${door.fingerprint} alone`, { record: result })
    return done(name, `${name} has a new CA ${door.fingerprint}; the one before is trusted too`, {
      record: result,
      hint: 'croft token add laptop --login · when all have logged in anew: croft cert rotate --finish',
    })
  })
}
