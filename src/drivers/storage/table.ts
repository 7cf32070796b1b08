/** The kinds of storage there are. */
import type { Runner } from '../exec/command.ts'
import { createBtrfs } from './btrfs/index.ts'
import type { PoolSpec, Storage } from './driver.ts'
import { createFakeStorage } from './fake/index.ts'

export const storageDrivers = {
  btrfs: createBtrfs,
  fake: createFakeStorage,
} as const satisfies Record<string, (parts: { readonly run: Runner; readonly pool: PoolSpec }) => Storage>

export type StorageName = keyof typeof storageDrivers
