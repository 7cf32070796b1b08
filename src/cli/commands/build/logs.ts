import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { lines } from '../../screen/escape.ts'
import { buildId } from './columns.ts'

export async function run(context: Context): Promise<Answer> {
  const build = await buildId(context)
  const { text } = await context.client.request('readBuildLog', { params: { build } })
  return { kind: 'text', text: lines(text.trimEnd()), record: { build, text } }
}
