import { type Answer, silent } from '../../answer.ts'
import type { Context } from '../../context.ts'

/** Needs no daemon: it tells what became of each guest. */
export async function run({ io }: Context): Promise<Answer> {
  const { shutDownHost } = await import('../../../daemon/main.ts')
  await shutDownHost((line) => io.stdout.write(`${line}\n`))
  return silent()
}
