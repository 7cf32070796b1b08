import type { Guest } from '../../../api/guest.ts'
import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { changeAnswer } from '../../work/change.ts'
import { guestName } from '../../work/targets.ts'

export async function run(context: Context): Promise<Answer> {
  const guest = guestName(context.args.one('GUEST'))
  const name = context.args.one('NAME')
  return changeAnswer(context, { route: 'renameGuest', params: { guest }, body: { name } }, ({ result }) =>
    done(name, `${guest} is ${name} now`, { record: result, ...(runs(result) ? { hint: innerName(name) } : {}) }),
  )
}

/** Its own files and programs know the old name: they are told when it starts. */
const innerName = (name: string): string => `inside it is called so from its next start: croft restart ${name}`

function runs(result: unknown): boolean {
  const guest = result as Partial<Guest> | null
  return guest?.status?.state === 'running' || guest?.status?.state === 'frozen'
}
