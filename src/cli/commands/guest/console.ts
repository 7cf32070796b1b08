import { CroftError } from '../../../api/errors.ts'
import { type Answer, silent } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { openFiles } from '../../files/guest-files.ts'
import { wayToConsole } from '../../process/attach.ts'
import { runAttached } from '../../process/spawn.ts'
import { guestName } from '../../work/targets.ts'

export async function run(context: Context): Promise<Answer> {
  const guest = guestName(context.args.one('GUEST'))
  if (!context.io.stdinTty || !context.io.stdout.tty) {
    throw new CroftError('USAGE', 'croft console needs a terminal', { hint: `croft logs ${guest} --console` })
  }
  const program = await wayToConsole(context, guest)
  if (!(await asksForLogin(context, guest))) {
    context.say(`! nothing in ${guest} asks for a login here: croft exec ${guest} -- systemctl start console-getty`)
  }
  const code = await runAttached(program)
  context.io.stdout.write('\n')
  return silent(code)
}

/** A guest that cannot say so is not told. */
async function asksForLogin(context: Context, guest: string): Promise<boolean> {
  const files = await openFiles(context, guest).catch(() => undefined)
  const ended = await files?.ask('pidof', 'agetty', 'getty', 'login', 'sulogin').catch(() => undefined)
  return ended?.exit !== 1
}
