import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'

export async function run(context: Context): Promise<Answer> {
  const app = await context.client.request('getApp', { params: { app: context.args.one('APP') } })
  return {
    kind: 'record',
    record: app,
    name: app.name,
    fields: [
      { title: 'name', value: app.name },
      { title: 'sites', value: app.sites.join(' ') || null },
      { title: 'git', value: app.git?.url },
      { title: 'ref', value: app.git?.ref },
      { title: 'created', value: app.created, as: 'age' },
      { title: 'by', value: app.by },
      { title: 'id', value: app.id },
      { title: 'revision', value: app.revision },
    ],
  }
}
