/** Invitations: 256 random bits, said once and kept as their hash; good for one host, which may come again until it is in. */
import { timingSafeEqual } from 'node:crypto'
import { CroftError } from '../../api/errors.ts'
import type { Store, Write } from '../../store/store.ts'
import type { Env } from '../env.ts'
import { keys } from './keys.ts'
import { type Held, read, readAll } from './records.ts'
import { hashOf } from './tokens.ts'

export interface InvitationRecord {
  readonly schema: number
  readonly id: string
  readonly hash: string
  readonly created: string
  readonly by: string
  readonly expires: string
  /** The host that came with it: it alone may come again. `key` is the hash of what only that host knows. */
  readonly bound?: { readonly key: string; readonly host: string; readonly at: string }
  /** Its records are written: it is a host of the farm. */
  readonly joined?: string
  readonly joinedAt?: string
}

/** What an ended one is kept for: who shows it hears what became of it. */
const keptMs = 7 * 86_400_000
/** A join that was cut is typed again: as long as it is not in, and after that. */
const boundMs = 86_400_000
const joinedMs = 3_600_000

export function makeInvitation(env: Pick<Env, 'randomHex'>): { secret: string; hash: string; id: string } {
  const secret = Buffer.from(env.randomHex(32), 'hex').toString('base64url')
  const hash = hashOf(secret)
  return { secret, hash, id: idOf(hash) }
}

/** Known from the secret alone, and telling nothing of it. */
const idOf = (hash: string): string => hashOf(`croft invitation ${hash}`).slice(0, 16)

/** Whose secret this is; undefined for one that is none of ours. Says nothing of its being used or over. */
export async function findInvitationOf(store: Store, secret: string): Promise<Held<InvitationRecord> | undefined> {
  if (!/^[\w-]{43}$/.test(secret)) return undefined
  const hash = hashOf(secret)
  const found = await read<InvitationRecord>(store, keys.invite(idOf(hash)))
  return found && timingSafeEqual(Buffer.from(found.value.hash, 'hex'), Buffer.from(hash, 'hex')) ? found : undefined
}

export async function getInvitation(store: Store, id: string): Promise<Held<InvitationRecord>> {
  const found = await read<InvitationRecord>(store, keys.invite(id))
  if (found) return found
  throw new CroftError('NOT_FOUND', 'this invitation is no more', { hint: 'on a host of the farm: croft host invite' })
}

/**
 * Who came with it once may come again, also when its time is over: for a day until it is in, for an hour after that, and not when
 * that host is no more; nobody else. `key`: as the host says it.
 */
export async function assertMayCome(store: Store, invitation: InvitationRecord, now: number, key?: string) {
  assertUsable(invitation, now, key)
  const { joined } = invitation
  if (joined === undefined || (await read<object>(store, keys.host(joined)))) return
  throw new CroftError('REFUSED', `this invitation was used by the host "${joined}", which is no more`, { hint })
}

const hint = 'on a host of the farm: croft host invite'

export function assertUsable(invitation: InvitationRecord, now: number, key?: string): void {
  const { bound, expires } = invitation
  if (bound && key !== undefined && bound.key !== hashOf(key))
    throw new CroftError('REFUSED', `this invitation was used already, by the host "${bound.host}"`, { hint })
  const until = endOf(invitation)
  // A time that is none counts as over.
  if (now < until) return
  const ended = bound ? `, used by the host "${bound.host}"` : ` at ${expires}`
  throw new CroftError('REFUSED', `this invitation ended${ended}`, { hint })
}

export const endsAt = (invitation: InvitationRecord): string => new Date(endOf(invitation)).toISOString()

function endOf({ expires, bound, joined, joinedAt }: InvitationRecord): number {
  if (!bound) return Date.parse(expires)
  return joined === undefined ? Date.parse(bound.at) + boundMs : Date.parse(joinedAt ?? bound.at) + joinedMs
}

/** For the transaction that makes another. */
export async function forgetOldInvitations(store: Store, now: number): Promise<Write[]> {
  const all = await readAll<InvitationRecord>(store, keys.invites)
  const old = all.filter(({ value }) => Date.parse(value.expires) + keptMs < now)
  return old.slice(0, 20).map(({ key }): Write => ({ delete: key }))
}
