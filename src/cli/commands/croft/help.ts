import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { listExternals } from '../../external.ts'
import { helpText } from '../../help.ts'
import { commands } from '../../table.ts'

export async function run(context: Context): Promise<Answer> {
  return {
    kind: 'text',
    text: helpText(commands, context.args.many('WORD'), listExternals(commands, context.io.env.PATH)),
  }
}
