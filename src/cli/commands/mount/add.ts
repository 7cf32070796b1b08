import { CroftError } from '../../../api/errors.ts'
import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { changeAnswer, wrongUse } from '../../work/change.ts'
import { guestName } from '../../work/targets.ts'

export async function run(context: Context): Promise<Answer> {
  const guest = guestName(context.args.one('GUEST'))
  const [, source, target] = /^([^:]+):([^:]+)$/.exec(context.args.one('HOST_FOLDER:GUEST_FOLDER')) ?? []
  if (source === undefined || target === undefined)
    throw new CroftError('USAGE', 'which folder, and where? Neither may hold a colon', {
      hint: 'croft mount add web /srv/photos:/mnt/photos',
    })
  const how = context.args.maybe('ro')
  if (how !== undefined && how !== 'ro') throw wrongUse(`"${how}"? ro, or nothing`)
  const body = { source, target, readOnly: how === 'ro' }
  return changeAnswer(context, { route: 'addMount', params: { guest }, body }, ({ result }) =>
    done(guest, `${guest} has ${source} on ${target}${body.readOnly ? ', read-only' : ''}, from its next start on`, {
      record: result,
      hint: `croft restart ${guest}`,
    }),
  )
}
