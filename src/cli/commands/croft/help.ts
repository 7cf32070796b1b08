import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { listExternals } from '../../process/external.ts'
import { commands } from '../../table.ts'
import { helpText } from '../../words/help.ts'

export async function run(context: Context): Promise<Answer> {
  return {
    kind: 'text',
    text: helpText(commands, context.args.many('WORD'), listExternals(commands, context.io.env.PATH)),
  }
}
