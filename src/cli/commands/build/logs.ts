import { isCode } from '../../../api/errors.ts'
import { type Answer, silent } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { lines } from '../../screen/escape.ts'
import { withInterrupt } from '../../work/follow.ts'
import { buildId } from './columns.ts'

const lookEveryMs = 1000

export async function run(context: Context): Promise<Answer> {
  const build = await buildId(context)
  if (context.flags.has('follow')) return follow(context, build)
  const { text } = await context.client.request('readBuildLog', { params: { build } })
  return { kind: 'text', text: lines(text.trimEnd()), record: { build, text } }
}

async function follow(context: Context, build: string): Promise<Answer> {
  const { client, io } = context
  return withInterrupt(context, async (signal) => {
    for (let seen = 0; ; ) {
      // Its state first: what it says at its end is read after that.
      const { state } = await client.request('getBuild', { params: { build }, signal })
      const { text } = await client.request('readBuildLog', { params: { build }, signal }).catch((thrown) => {
        if (isCode(thrown, 'NOT_FOUND') && state === 'running') return { text: '' }
        throw thrown
      })
      io.stdout.write(lines(text.slice(seen)))
      seen = Math.max(seen, text.length)
      if (state !== 'running' || signal.aborted) return silent()
      await io.sleep(lookEveryMs, signal)
    }
  })
}
