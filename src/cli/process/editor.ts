/** The editor that the caller prefers, on our terminal. */
import { CroftError, isCode } from '../../api/errors.ts'
import type { Context } from '../context.ts'

export async function openEditor(context: Context, path: string): Promise<void> {
  const { env } = context.io
  const [file = 'editor', ...words] = (env.VISUAL || env.EDITOR || 'editor').split(/\s+/).filter((word) => word !== '')
  const { runHere } = await import('./spawn.ts')
  const code = await runHere(file, [...words, path]).catch((thrown: unknown) => {
    if (!isCode(thrown, 'COMMAND_MISSING')) throw thrown
    throw new CroftError('COMMAND_MISSING', `the editor ${file} is not installed`, {
      hint: `EDITOR=vi croft edit …, or apt-get install nano`,
      cause: thrown,
    })
  })
  if (code !== 0) throw new CroftError('CANCELLED', `${file} ended with exit ${code}; nothing was changed`)
}
