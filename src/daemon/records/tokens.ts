/** Tokens: `croft_NAME_SECRET`, 256 random bits. The store has the hash; the token itself is said once. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Door, Token } from '../../api/door.ts'
import { CroftError } from '../../api/errors.ts'
import type { Role } from '../../api/routes.ts'
import type { Store } from '../../store/store.ts'
import type { Daemon } from '../daemon.ts'
import type { Env } from '../env.ts'
import { keys } from './keys.ts'
import { type Held, read, type TokenRecord } from './records.ts'

/** A login token is for the next quarter of an hour. */
export const loginWithinMs = 15 * 60_000

export function makeSecret(env: Pick<Env, 'randomHex'>, name: string): { secret: string; hash: string } {
  const random = Buffer.from(env.randomHex(32), 'hex').toString('base64url')
  return { secret: `croft_${name}_${random}`, hash: hashOf(random) }
}

export const hashOf = (random: string): string => createHash('sha256').update(random).digest('hex')

export function parseSecret(text: string): { readonly name: string; readonly random: string } | undefined {
  const match = /^croft_([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)_([A-Za-z0-9_-]{43})$/.exec(text)
  return match?.[1] && match[2] ? { name: match[1], random: match[2] } : undefined
}

/** Whose token it is. Says no more than that to who does not hold it; takes as long for a name that is not there. */
export async function findTokenOf(store: Store, text: string): Promise<TokenRecord | undefined> {
  const parsed = parseSecret(text)
  if (!parsed) return undefined
  return findByHash(store, parsed.name, { kind: 'token', hash: hashOf(parsed.random) })
}

/** The same for a certificate that TLS found to be of our CA: still only while its record is there. */
export function findCertificateOf(store: Store, name: string, fingerprint: string): Promise<TokenRecord | undefined> {
  if (!/^[a-z0-9-]{1,63}$/.test(name) || !/^[0-9a-f]{64}$/.test(fingerprint)) return Promise.resolve(undefined)
  return findByHash(store, name, { kind: 'certificate', hash: fingerprint })
}

async function findByHash(
  store: Store,
  name: string,
  { kind, hash }: { kind: Token['kind']; hash: string },
): Promise<TokenRecord | undefined> {
  const record = (await read<TokenRecord>(store, keys.token(name)))?.value
  const known = Buffer.from(record?.hash ?? hashOf(''), 'hex')
  const shown = Buffer.from(hash, 'hex')
  const same = known.length === shown.length && timingSafeEqual(known, shown)
  return same && record && kindOf(record) === kind ? record : undefined
}

const kindOf = (record: TokenRecord): Token['kind'] => record.kind ?? 'token'

export const isExpired = ({ expires }: TokenRecord, now: number): boolean =>
  expires !== null && Date.parse(expires) <= now

const isOfAnother = ({ ca }: TokenRecord, { fingerprint, former }: Pick<Door, 'fingerprint' | 'former'>): boolean =>
  ca !== undefined && fingerprint !== null && ca !== fingerprint && ca !== former

export const roleOf = (record: TokenRecord): Role => (record.login ? 'newcomer' : record.role)

export async function getTokenRecord(daemon: Daemon, name: string): Promise<Held<TokenRecord>> {
  const found = await read<TokenRecord>(daemon.store, keys.token(name))
  if (found) return found
  throw new CroftError('NOT_FOUND', `no token "${name}"`, { hint: 'croft token ls' })
}

/** By the CAs that count now, and the time. */
export function viewToken(record: TokenRecord, now: number, cas: Pick<Door, 'fingerprint' | 'former'>): Token {
  const { name, role, created, by, expires } = record
  return {
    name,
    kind: kindOf(record),
    role,
    state: isExpired(record, now) ? 'expired' : isOfAnother(record, cas) ? 'ended' : record.login ? 'unused' : 'valid',
    created,
    by,
    expires,
  }
}
