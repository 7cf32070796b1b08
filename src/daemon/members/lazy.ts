/** What a farm of one host never needs is loaded when it is. */
import type { StoreCare } from './care.ts'
import type { Members, MembersParts } from './keeper.ts'
import type { RestoreParts } from './restore.ts'

export const keepMembers = async (parts: MembersParts): Promise<Members> =>
  (await import('./keeper.ts')).keepMembers(parts)

export const lazyStoreCare = (parts: () => RestoreParts) => async (): Promise<StoreCare> =>
  (await import('./care.ts')).createStoreCare(parts)
