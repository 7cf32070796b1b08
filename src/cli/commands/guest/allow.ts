import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { runRules } from './rules.ts'

export const run = (context: Context): Promise<Answer> => runRules(context, 'allow')
