import { type Answer, silent } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { attachProgram } from '../../process/attach.ts'
import { guestName } from '../../work/targets.ts'

/** Without words lxc-attach runs the shell that the guest's root has. */
export async function run(context: Context): Promise<Answer> {
  const [program, { runAttached }] = await Promise.all([
    attachProgram(context, guestName(context.args.one('GUEST')), []),
    import('../../process/spawn.ts'),
  ])
  return silent(await runAttached(program))
}
