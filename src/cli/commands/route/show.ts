import type { EdgeRoute } from '../../../api/edge.ts'
import type { Answer, Field } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { bytesText } from '../../screen/cells.ts'
import { certificateText } from './columns.ts'

export async function run(context: Context): Promise<Answer> {
  const route = await context.client.request('getRoute', { params: { route: context.args.one('ROUTE') } })
  return { kind: 'record', record: route, name: route.name, fields: fields(route) }
}

const list = (words: readonly string[] | null | undefined): string | null => words?.join(' ') || null
const yes = (flag: boolean | null | undefined): string | null => (flag ? 'yes' : null)
/** With the route that says it, where that is another one. */
function own(route: EdgeRoute, key: 'users' | 'allow' | 'deny' | 'maintenance'): string | null {
  const text = (value: readonly string[] | boolean | null | undefined): string | null =>
    typeof value === 'boolean' ? (value ? 'yes' : 'no') : list(value)
  const above = route.inherited?.[key]
  return above ? `${text(above.value)} (of ${above.from})` : text(route[key])
}

const seconds = (value: number | null | undefined): string | null => (value ? `${value}s` : null)

function fields(route: EdgeRoute): Field[] {
  return [
    { title: 'name', value: route.name },
    { title: 'state', value: route.state, as: 'state' },
    { title: 'reason', value: route.reason },
    { title: 'mend', value: route.mend },
    { title: 'target', value: route.target },
    { title: 'names', value: list(route.names) },
    { title: 'aliases', value: list(route.aliases) },
    { title: 'preview', value: route.preview },
    {
      title: 'https',
      value: route.kind === 'tcp' ? null : route.passthrough ? 'the guest’s own' : (route.https ?? 'only'),
    },
    { title: 'certificate', value: certificateText(route) },
    { title: '', value: route.certificate?.reason },
    { title: 'requests', value: route.requests, as: 'number' },
    { title: 'users', value: own(route, 'users') },
    { title: 'allow', value: own(route, 'allow') },
    { title: 'deny', value: own(route, 'deny') },
    { title: 'check', value: route.check },
    { title: 'sticky', value: yes(route.sticky) },
    { title: 'compress', value: yes(route.compress) },
    { title: 'client-address', value: route.clientAddress },
    { title: 'rate', value: route.rate ? `${route.rate}/s` : null },
    { title: 'body-max', value: route.bodyMax ? bytesText(route.bodyMax) : null },
    { title: 'timeout', value: seconds(route.timeout) },
    { title: 'queue', value: seconds(route.queue) },
    { title: 'connections', value: route.connections },
    { title: 'noindex', value: yes(route.noindex) },
    { title: 'maintenance', value: own(route, 'maintenance') },
    { title: 'inherit', value: route.inherit === false ? 'no' : null },
    { title: 'maintenance-text', value: route.maintenanceText },
    { title: 'retry-after', value: seconds(route.retryAfter) },
    { title: 'created', value: route.created, as: 'age' },
    { title: 'by', value: route.by },
    { title: 'id', value: route.id },
    { title: 'revision', value: route.revision },
  ]
}
