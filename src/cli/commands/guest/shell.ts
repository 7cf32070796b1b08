import { type Answer, silent } from '../../answer.ts'
import { attachProgram } from '../../attach.ts'
import type { Context } from '../../context.ts'
import { guestName } from '../../targets.ts'

/** Without words lxc-attach runs the shell that the guest's root has. */
export async function run(context: Context): Promise<Answer> {
  const [program, { runAttached }] = await Promise.all([
    attachProgram(context, guestName(context.args.one('GUEST')), []),
    import('../../spawn.ts'),
  ])
  return silent(await runAttached(program))
}
