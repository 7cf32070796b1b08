/** Who stands at the door to the outside: who shows a token that the farm knows. */
import type { IncomingMessage } from 'node:http'
import { CroftError, isCode } from '../../api/errors.ts'
import type { Store } from '../../store/store.ts'
import type { TokenRecord } from '../records/records.ts'
import { findTokenOf, isExpired, roleOf } from '../records/tokens.ts'
import type { Caller } from './access.ts'
import { Attempts } from './attempts.ts'
import type { Visitors } from './visitors.ts'

export interface IdentifyParts {
  readonly now: () => number
  readonly store: () => Store
  readonly visitors: Visitors
}

export type Identify = (request: IncomingMessage) => Promise<Caller>

export function createIdentify({ now, store, visitors }: IdentifyParts): Identify {
  const attempts = new Attempts(now)

  function refuse(request: IncomingMessage, why: string): CroftError {
    if (attempts.failed(request.socket.remoteAddress ?? ''))
      return new CroftError('TOO_MANY_ATTEMPTS', 'too many requests from your address did not say who they are', {
        hint: 'wait a minute',
      })
    return new CroftError('UNAUTHENTICATED', why, {
      hint: 'croft login (on a host of the farm: croft token add NAME --login)',
    })
  }

  return async (request) => {
    const shown = /^Bearer ([\x21-\x7e]{1,200})$/i.exec(request.headers.authorization ?? '')?.[1]
    if (shown === undefined) throw refuse(request, 'this door asks for a token')
    const record = await findToken(store, shown)
    if (!record) throw refuse(request, 'this token is not known here: removed, used up, or of another farm')
    if (isExpired(record, now())) throw refuse(request, `this token ended at ${record.expires}`)
    visitors.came(record.name, request.socket, record.expires)
    return { name: `token:${record.name}`, role: roleOf(record), token: record.name }
  }
}

/** What is wrong with a store is not for strangers. */
async function findToken(store: () => Store, shown: string): Promise<TokenRecord | undefined> {
  try {
    return await findTokenOf(store(), shown)
  } catch (thrown) {
    if (!isCode(thrown, 'STORE_CLOSED')) throw thrown
    throw new CroftError('STORE_CLOSED', 'the store is away: who you are cannot be told now', { cause: thrown })
  }
}
