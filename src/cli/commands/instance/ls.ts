import type { Instance } from '../../../api/site.ts'
import { type Answer, type Column, rows } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { items } from '../../wire/request.ts'

const columns: readonly Column<Instance>[] = [
  { title: 'NAME', get: (instance) => instance.name },
  { title: 'STATE', as: 'state', get: (instance) => instance.state },
  { title: 'RELEASE', get: (instance) => instance.release },
  { title: 'IPV4', get: (instance) => instance.ipv4 },
  { title: 'HOST', wide: true, get: (instance) => instance.host },
  { title: 'AGE', as: 'age', get: (instance) => instance.created },
  { title: 'REASON', sparse: true, elastic: true, get: (instance) => instance.reason ?? null },
]

export async function run(context: Context): Promise<Answer> {
  const named = context.args.maybe('SITE')
  const sites = items(await context.client.request('listSites')).filter(
    ({ name }) => named === undefined || name === named,
  )
  const instances = sites.flatMap((site) => site.instances)
  return rows(instances, columns, { name: ({ name }) => name, empty: 'no instances: croft deploy makes some' })
}
