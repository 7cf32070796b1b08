import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { volumesNamed } from './named.ts'

export async function run(context: Context): Promise<Answer> {
  const name = context.args.one('VOLUME')
  const found = await volumesNamed(context, name)
  return {
    kind: 'record',
    record: found.length === 1 ? found[0] : found,
    name,
    fields: found.flatMap(({ state, host, usedBytes, sizeBytes, created, guests }) => [
      { title: 'volume', value: name },
      { title: 'state', value: state, as: 'state' as const },
      { title: 'used', value: usedBytes, as: 'bytes' as const },
      { title: 'size', value: sizeBytes, as: 'bytes' as const },
      { title: 'host', value: host },
      { title: 'guests', value: guests.join(' ') },
      { title: 'created', value: created, as: 'age' as const },
    ]),
  }
}
