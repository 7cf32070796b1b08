import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'

export async function run(context: Context): Promise<Answer> {
  const template = await context.client.request('getTemplate', { params: { template: context.args.one('TEMPLATE') } })
  const { source } = template
  return {
    kind: 'record',
    record: template,
    name: template.ref,
    fields: [
      { title: 'name', value: template.ref },
      { title: 'state', value: template.state, as: 'state' },
      ...(template.reason?.split('\n') ?? []).map((line, index) => ({
        title: index === 0 ? 'reason' : '',
        value: line,
      })),
      { title: 'from', value: source.from },
      { title: 'packages', value: source.packages.join(' ') },
      { title: 'script', value: source.script === undefined ? null : `${source.script.length} letters (-o yaml)` },
      { title: 'mirror', value: source.mirror },
      { title: 'size', value: template.sizeBytes, as: 'bytes' },
      { title: 'sha256', value: template.sha256 },
      { title: 'used by', value: template.usedBy.join(' ') },
      { title: 'created', value: template.created, as: 'age' },
      { title: 'id', value: template.id },
    ],
  }
}
