import { type Answer, silent } from '../../answer.ts'
import type { Context } from '../../context.ts'

/** Says only what it changed: nothing the second time. Needs no daemon. */
export async function run({ flags, io }: Context): Promise<Answer> {
  const { prepareHost, undoHost } = await import('../../../daemon/main.ts')
  const changes = flags.has('undo') ? await undoHost() : await prepareHost()
  for (const line of changes) io.stdout.write(`${line}\n`)
  return silent()
}
