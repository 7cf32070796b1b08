import type { Template } from '../../../api/resources.ts'
import { type Answer, type Column, rows } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { items } from '../../wire/request.ts'

const columns: readonly Column<Template>[] = [
  { title: 'NAME', get: (template) => template.ref },
  { title: 'STATE', as: 'state', get: (template) => template.state },
  { title: 'SIZE', as: 'bytes', get: (template) => template.sizeBytes },
  { title: 'FROM', get: (template) => template.source.from },
  { title: 'USED', as: 'number', get: (template) => template.usedBy.length },
  { title: 'AGE', as: 'age', get: (template) => template.created },
  { title: 'SHA256', wide: true, get: (template) => template.sha256 },
  { title: 'REASON', sparse: true, elastic: true, get: (template) => template.reason?.split('\n')[0] ?? null },
]

export async function run(context: Context): Promise<Answer> {
  const templates = items(await context.client.request('listTemplates'))
  const shown = context.flags.has('all') ? templates : templates.filter((template) => template.of === undefined)
  return rows(shown, columns, {
    name: (template) => template.ref,
    empty: 'no templates: croft template build debian:12',
  })
}
