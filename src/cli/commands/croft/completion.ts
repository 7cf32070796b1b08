import { CroftError } from '../../../api/errors.ts'
import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { completionScripts } from '../../words/completion-scripts.ts'

export async function run(context: Context): Promise<Answer> {
  const shell = context.args.one('SHELL')
  const text = Object.hasOwn(completionScripts, shell)
    ? completionScripts[shell as keyof typeof completionScripts]
    : undefined
  if (text !== undefined) return { kind: 'text', text }
  throw new CroftError('USAGE', `there is no completion for "${shell}"`, { hint: 'croft completion bash|zsh|fish' })
}
