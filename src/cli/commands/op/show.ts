import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { operationId } from './id.ts'

export async function run(context: Context): Promise<Answer> {
  const id = await operationId(context)
  const operation = await context.client.request('getOperation', { params: { operation: id } })
  const { error, progress } = operation
  return {
    kind: 'record',
    record: operation,
    name: operation.id,
    fields: [
      { title: 'id', value: operation.id },
      { title: 'state', value: operation.state, as: 'state' },
      { title: 'verb', value: operation.verb },
      { title: operation.target.kind, value: operation.target.name },
      { title: 'by', value: operation.by },
      { title: 'created', value: operation.created, as: 'age' },
      { title: 'finished', value: operation.finished, as: 'age' },
      { title: 'now', value: operation.state === 'running' ? progress?.label : null },
      ...operation.log.map((line, index) => ({ title: index === 0 ? 'log' : '', value: line })),
      { title: 'error', value: error?.code },
      ...(error?.message.split('\n') ?? []).map((line) => ({ title: '', value: line })),
      { title: 'try', value: error?.hint },
    ],
  }
}
