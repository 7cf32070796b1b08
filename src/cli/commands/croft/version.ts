import { version } from '../../../version.ts'
import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'

export async function run(_context: Context): Promise<Answer> {
  return { kind: 'text', text: `croft ${version}`, record: { version, node: process.version } }
}
