/** What people ask of the store itself. Loaded when they do. */
import type { PlannedStep } from '../../api/resources.ts'
import type { StoreRestore, StoreView } from '../../api/store.ts'
import { checkRestore, type RestoreParts, restoreStore } from './restore.ts'
import { viewStore } from './view.ts'

export interface StoreCare {
  view(): Promise<StoreView>
  plan(asked: StoreRestore): Promise<readonly PlannedStep[]>
  /** What is worth saying. */
  restore(asked: StoreRestore): Promise<readonly string[]>
}

export function createStoreCare(parts: () => RestoreParts): StoreCare {
  return {
    view: () => viewStore(parts()),
    async plan(asked) {
      const { host } = await checkRestore(parts(), asked)
      return [{ what: host, step: 'restore', detail: `the store from ${asked.file}` }]
    },
    restore: (asked) => restoreStore(parts(), asked),
  }
}
