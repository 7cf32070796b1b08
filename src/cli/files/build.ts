/** What building and deploying have in common: what is wrong with a croft.toml is told before anything is sent. */
import type { Build } from '../../api/site.ts'
import type { Answer } from '../answer.ts'
import type { Context } from '../context.ts'
import { bytesText, durationText } from '../screen/cells.ts'
import { planAnswer, planned } from '../work/change.ts'
import type { Code } from './source.ts'

/** The plan, when that is all that is asked for. */
export async function planBuild(context: Context, { app, planned: body }: Code): Promise<Answer | undefined> {
  const isAsked = context.flags.has('dry-run')
  if (!isAsked && body.toml === undefined) return undefined
  const steps = await planned(context, { route: 'addBuild', params: { app }, body: { planned: body } })
  return isAsked ? planAnswer(context, steps) : undefined
}

export async function buildBody(context: Context, code: Code, site?: string): Promise<object> {
  const source = await code.take()
  const version = context.flags.text('as')
  return {
    ...(source === undefined ? {} : { source }),
    ...(version === undefined ? {} : { version }),
    ...(site === undefined ? {} : { site }),
  }
}

/** `shop:v1 built 22 s, 64 MB` */
export async function builtLine({ client }: Context, { release, already }: Build): Promise<string> {
  if (already || release === null) return `${release} is already that`
  const { buildSeconds, sizeBytes } = await client.request('getRelease', { params: { release } })
  const took = buildSeconds === null ? [] : [durationText(buildSeconds * 1000)]
  const size = sizeBytes === null ? [] : [bytesText(sizeBytes)]
  return [`${release} built`, [...took, ...size].join(', ')].join(' ').trimEnd()
}
