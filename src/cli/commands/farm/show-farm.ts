import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'

export async function run(context: Context): Promise<Answer> {
  const farm = await context.client.request('getFarm')
  const { door } = farm
  return {
    kind: 'record',
    record: farm,
    name: farm.name,
    fields: [
      { title: 'name', value: farm.name },
      { title: 'guests', value: `${farm.prefix4} ${farm.prefix6}` },
      { title: 'keys', value: farm.keys.length },
      { title: 'listen', value: door.listen ?? 'off' },
      { title: 'door', value: door.reason === undefined ? door.state : `${door.state}: ${door.reason}` },
      { title: 'reached at', value: door.addresses.join(' ') },
      { title: 'CA', value: door.fingerprint },
      { title: 'created', value: farm.created, as: 'age' },
      { title: 'id', value: farm.id },
    ],
  }
}
