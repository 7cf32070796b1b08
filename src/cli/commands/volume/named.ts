/** `shop/prod:uploads`, on each host that has it. */
import { CroftError } from '../../../api/errors.ts'
import type { Volume } from '../../../api/volume.ts'
import type { Context } from '../../context.ts'
import { items } from '../../wire/request.ts'

export async function volumesNamed({ client }: Context, word: string): Promise<readonly Volume[]> {
  const found = items(await client.request('listVolumes')).filter(({ name }) => name === word)
  if (found.length > 0) return found
  throw new CroftError('NOT_FOUND', `no volume "${word}"`, { hint: 'croft volume ls' })
}
