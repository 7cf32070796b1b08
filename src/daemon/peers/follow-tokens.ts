/** What a token has opened here ends with it, wherever it was removed. */

import { keys } from '../records/keys.ts'
import type { TokenRecord } from '../records/records.ts'
import { openMirror } from './mirror.ts'

export async function followTokens(
  mirrored: Parameters<typeof openMirror>[0],
  shutOut: (token: string) => void,
): Promise<void> {
  const tokens = await openMirror<TokenRecord>(mirrored, keys.tokens)
  const byName = () => new Map(tokens.values().map((record) => [record.name, record]))
  let known = byName()
  tokens.onChange(() => {
    const now = byName()
    for (const [name, record] of known) if (!isSame(record, now.get(name))) shutOut(name)
    known = now
  })
}

/** Between two looks one may be removed and another of its name added. A login changes what proves it, and ends nothing. */
const isSame = (before: TokenRecord, now: TokenRecord | undefined): boolean =>
  before.created === now?.created && (before.login !== undefined || before.hash === now.hash)
