/** Named sizes as they lie in the store. */
import { CroftError } from '../../api/errors.ts'
import type { Store } from '../../store/store.ts'
import { keys } from './keys.ts'
import { type Held, read, type SizeRecord } from './records.ts'

export async function getSize({ store }: { readonly store: Store }, name: string): Promise<Held<SizeRecord>> {
  const found = await read<SizeRecord>(store, keys.size(name))
  if (found) return found
  throw new CroftError('NOT_FOUND', `no size "${name}"`, { hint: 'croft size ls' })
}
