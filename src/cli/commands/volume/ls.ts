import type { Volume } from '../../../api/volume.ts'
import { type Answer, type Column, rows } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { items } from '../../wire/request.ts'

const columns: readonly Column<Volume>[] = [
  { title: 'NAME', elastic: true, get: ({ name }) => name },
  { title: 'STATE', as: 'state', get: ({ state }) => state },
  { title: 'USED', as: 'bytes', get: ({ usedBytes }) => usedBytes },
  { title: 'SIZE', as: 'bytes', get: ({ sizeBytes }) => sizeBytes },
  { title: 'GUESTS', as: 'number', get: ({ guests }) => guests.length },
  { title: 'HOST', get: ({ host }) => host },
  { title: 'AGE', as: 'age', get: ({ created }) => created },
]

export async function run(context: Context): Promise<Answer> {
  const site = context.args.maybe('SITE')
  const query = site === undefined ? {} : { site }
  return rows(items(await context.client.request('listVolumes', { query })), columns, {
    name: ({ name }) => name,
    empty: site === undefined ? 'no lasting data: [data.NAME] in croft.toml' : `${site} has no lasting data`,
  })
}
