/** Which host leases which block of numbers. Farms that are older than this record are read from what their hosts have. */
import type { Store } from '../../store/store.ts'
import { keys } from './keys.ts'
import { type BlocksRecord, type Held, type NumbersRecord, read, readAll, schemaVersion } from './records.ts'

export async function readBlocks(store: Store): Promise<Held<BlocksRecord>> {
  const found = await read<BlocksRecord>(store, keys.blocks)
  const numbers = await readAll<NumbersRecord>(store, keys.allNumbers)
  const leased = numbers.flatMap(({ key, value: { blocks } }) =>
    blocks.map((block) => [String(block), key.slice(keys.allNumbers.length)] as const),
  )
  return {
    ...{ key: keys.blocks, revision: found?.revision ?? 0 },
    value: { schema: schemaVersion, taken: { ...found?.value.taken, ...Object.fromEntries(leased) } },
  }
}
