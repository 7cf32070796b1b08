import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { throwIfFailed } from '../../work/change.ts'
import { follow, withInterrupt } from '../../work/follow.ts'
import { operationId } from './id.ts'

export async function run(context: Context): Promise<Answer> {
  const id = await operationId(context)
  const ended = await withInterrupt(context, async (signal) => {
    const operation = await context.client.request('getOperation', { params: { operation: id }, signal })
    return throwIfFailed(await follow(context, operation, { signal, narrate: true }))
  })
  return done(id, `${ended.verb} ${ended.target.name} done`, { record: ended })
}
