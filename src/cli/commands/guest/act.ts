/** The verbs of a guest's life differ by one word on the wire. */
import type { GuestAction } from '../../../api/guest.ts'
import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { bulk } from '../../work/bulk.ts'
import { changeResult } from '../../work/change.ts'
import { findTargets } from '../../work/targets.ts'
import { checkWait, guestResult } from './outcome.ts'

export async function act(context: Context, verb: GuestAction['do']): Promise<Answer> {
  checkWait(context)
  return bulk(context, await findTargets(context), (name, signal) =>
    changeResult(context, { route: 'actGuest', params: { guest: name }, body: { do: verb }, name, signal }, (changed) =>
      guestResult(context, name, changed),
    ),
  )
}
