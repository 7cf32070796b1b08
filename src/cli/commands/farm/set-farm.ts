import type { Door, FarmChange } from '../../../api/door.ts'
import type { Farm } from '../../../api/resources.ts'
import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { changeAnswer, wrongUse } from '../../work/change.ts'

export async function run(context: Context): Promise<Answer> {
  const listen = context.settings.findLast(([key]) => key === 'listen')?.[1]
  if (listen === undefined) throw wrongUse(context, 'croft farm set: what is to be set? (listen=:8443 or listen=off)')
  const body: FarmChange = { listen: listen === 'off' || listen === '' ? null : listen }
  return changeAnswer(context, { route: 'changeFarm', body }, ({ result }) => {
    const { name, door } = result as Farm & { readonly door: Door }
    if (door.listen === null) return done(name, `${name} lets nobody in from outside`, { record: result })
    return done(name, `${name} listens on ${door.addresses.join(', ') || door.listen}`, {
      record: result,
      hint: 'croft token add laptop --login',
    })
  })
}
