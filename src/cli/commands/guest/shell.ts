import { type Answer, silent } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { asApp } from '../../process/as-app.ts'
import { attachProgram } from '../../process/attach.ts'
import { guestName } from '../../work/targets.ts'

/** Without words lxc-attach runs the shell that the guest's root has. */
export async function run(context: Context): Promise<Answer> {
  const guest = guestName(context.args.one('GUEST'))
  const [program, { runAttached }] = await Promise.all([
    attachProgram(context, guest, asApp(context, guest, [])),
    import('../../process/spawn.ts'),
  ])
  return silent(await runAttached(program))
}
