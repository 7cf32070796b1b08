/** Seeds as they lie in the store: sealed as a whole, one for a guest, gone with it. */
import type { SeedFile } from '../../api/app.ts'
import { CroftError } from '../../api/errors.ts'
import type { Store, Write } from '../../store/store.ts'
import type { Seal } from '../pki/seal.ts'
import type { SeedRecord } from './app-records.ts'
import { keys } from './keys.ts'
import { type HostRecord, read, schemaVersion } from './records.ts'

interface Sealed {
  readonly host: HostRecord
  readonly seal: () => Promise<Seal>
}

export interface NewSeed {
  readonly id: string
  readonly files: readonly SeedFile[]
}

export async function seedWrite({ host, seal }: Sealed, number: number, { id, files }: NewSeed): Promise<Write> {
  const key = keys.seed(host.name, number)
  const sealed = (await seal()).seal(key, JSON.stringify(files))
  return { put: key, value: { schema: schemaVersion, id, sealed } satisfies SeedRecord }
}

/** While the host works by its kept plan there is none: a plan on disk holds no secrets. */
export async function openSeed(
  { host, seal, store }: Sealed & { readonly store: Store },
  number: number,
  id: string,
): Promise<readonly SeedFile[]> {
  const key = keys.seed(host.name, number)
  const found = await read<SeedRecord>(store, key)
  if (found?.value.id !== id)
    throw new CroftError('REFUSED', 'what is to be put on its disk first is not in the store', { hint: 'croft doctor' })
  return JSON.parse((await seal()).open(key, found.value.sealed)) as readonly SeedFile[]
}
