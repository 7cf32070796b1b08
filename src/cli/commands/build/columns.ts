import { CroftError } from '../../../api/errors.ts'
import type { Build } from '../../../api/site.ts'
import type { Column } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { items } from '../../wire/request.ts'

export const buildColumns: readonly Column<Build>[] = [
  { title: 'BUILD', get: (build) => build.id.slice(0, 12) },
  { title: 'APP', get: (build) => build.app },
  { title: 'VERSION', get: (build) => build.version },
  { title: 'STATE', as: 'state', get: (build) => build.state },
  { title: 'AT', sparse: true, get: (build) => (build.state === 'running' ? build.step : null) },
  { title: 'SOURCE', elastic: true, get: (build) => build.source },
  { title: 'BY', wide: true, get: (build) => build.by },
  { title: 'AGE', as: 'age', get: (build) => build.created },
  { title: 'REASON', wide: true, get: (build) => build.reason },
]

const wholeId = 20

/** By the first letters of its id, as lists show them. */
export async function buildId(context: Context): Promise<string> {
  const typed = context.args.one('BUILD')
  if (typed.length >= wholeId) return typed
  const found = items(await context.client.request('listBuilds')).filter(({ id }) => id.startsWith(typed))
  const [only, other] = found
  if (only && !other) return only.id
  const why = other ? `"${typed}" could be ${found.length} builds` : `no build "${typed}"`
  throw new CroftError('NOT_FOUND', why, { hint: 'croft build ls' })
}
