import { CroftError } from '../../../api/errors.ts'
import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { confirmName } from '../../screen/confirm.ts'
import { bulk } from '../../work/bulk.ts'
import { changeResult } from '../../work/change.ts'
import { findTargets } from '../../work/targets.ts'

export async function run(context: Context): Promise<Answer> {
  const targets = await findTargets(context)
  const { names } = targets
  await mustExist(context, names)
  const [first = ''] = names
  if (names.length === 1) await confirmName(context, first, `this removes ${first} with its disk and snapshots`)
  if (names.length > 1) {
    const listed = `this removes ${names.length} guests with their disks and snapshots: ${names.join(' ')}`
    await confirmName(context, `${names.length} guests`, listed)
  }
  return bulk(context, targets, (name, signal) =>
    changeResult(context, { route: 'deleteGuest', params: { guest: name }, name, signal }, ({ result }) => ({
      name,
      text: `${name} removed  ${(context.io.elapsedMs() / 1000).toFixed(2)} s`,
      record: result,
    })),
  )
}

/** Nobody is asked to type the name of a guest that is not there. */
async function mustExist(context: Context, names: readonly string[]): Promise<void> {
  if (context.flags.has('yes') || names.length !== 1) return
  const [guest = ''] = names
  const found = await context.client.request('getGuest', { params: { guest } })
  if (found.deleting) throw new CroftError('BUSY', `${guest} is being removed already`, { hint: 'croft op ls' })
}
