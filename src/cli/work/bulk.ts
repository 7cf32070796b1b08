/** The same for several guests, so many at a time; one that fails does not keep the others from it. */
import { toCroftError } from '../../api/errors.ts'
import type { PlannedStep } from '../../api/resources.ts'
import type { Answer, Result } from '../answer.ts'
import { type Context, numberFlag } from '../context.ts'
import { planAnswer } from './change.ts'
import { withInterrupt } from './follow.ts'

const usualParallel = 8

export interface Many {
  readonly names: readonly string[]
  readonly many: boolean
  /** Overrides --parallel: 1 where they change the same record. */
  readonly atOnce?: number
}

/** One alone throws its failure; of several each has its result, and some failing is exit 6. */
export async function bulk(
  context: Context,
  targets: Many,
  one: (name: string, signal: AbortSignal) => Promise<Result>,
): Promise<Answer> {
  const results = await withInterrupt(context, (signal) =>
    inParallel(targets.names, targets.atOnce ?? numberFlag(context, 'parallel') ?? usualParallel, async (name) => {
      if (!targets.many) return one(name, signal)
      try {
        return await one(name, signal)
      } catch (thrown) {
        const body = toCroftError(thrown).toBody()
        const hint = body.hint ?? (await import('../words/form.ts')).formOf(context.row, body)
        return { name, text: body.message, error: hint === undefined ? body : { ...body, hint } }
      }
    }),
  )
  if (context.flags.has('dry-run') && results.every((result) => !result.error)) {
    return planAnswer(
      context,
      results.flatMap((result) => result.record as readonly PlannedStep[]),
    )
  }
  if (results.length === 0) context.say('no guest is meant by that; nothing to do')
  const failed = results.filter((result) => result.error).length
  return { kind: 'done', results, ...(targets.many ? { many: true } : {}), exit: failed > 0 ? 6 : 0 }
}

/** In the order of `values`, at most `limit` at once. */
export async function inParallel<T, R>(
  values: readonly T[],
  limit: number,
  run: (value: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = new Array(values.length)
  const queue = values.entries()
  const work = async () => {
    for (const [index, value] of queue) results[index] = await run(value)
  }
  await Promise.all(Array.from({ length: Math.max(1, Math.min(limit, values.length)) }, work))
  return results
}
