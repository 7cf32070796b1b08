import { type Answer, silent } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { oneLine } from '../../screen/escape.ts'
import { freshLines } from '../../screen/progress.ts'
import { withInterrupt } from '../../work/follow.ts'
import { operationId } from './id.ts'

const waitMs = 30_000

/** Its lines as they are; with -f until it ends. */
export async function run(context: Context): Promise<Answer> {
  const id = await operationId(context)
  let seen: readonly string[] = []
  return withInterrupt(context, async (signal) => {
    for (let first = true; ; first = false) {
      const query = first ? {} : { wait: waitMs, seen: seen.length }
      const operation = await context.client.request('getOperation', { params: { operation: id }, query, signal })
      for (const line of freshLines(seen, operation.log)) context.io.stdout.write(`${oneLine(line)}\n`)
      seen = operation.log
      if (!context.flags.has('follow') || operation.state !== 'running') return silent()
    }
  })
}
