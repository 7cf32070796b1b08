import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { act } from './act.ts'

export const run = (context: Context): Promise<Answer> => act(context, 'start')
