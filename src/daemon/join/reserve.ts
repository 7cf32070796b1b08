/**
 * A host's own records, all in one transaction: itself with its number (and so its address in the mesh), its first block of
 * guests' numbers, its pool, and the invitation that it used up. Before it there is no such host, after it there is one.
 */
import { CroftError, isCode } from '../../api/errors.ts'
import type { PoolSpec } from '../../drivers/storage/driver.ts'
import { blockSize, defaultUidBase } from '../../plan/addresses.ts'
import { firstFreeBlock, firstFreeHostNumber } from '../../plan/hosts.ts'
import { historyWrites } from '../../store/history.ts'
import type { Compare, Store, Write } from '../../store/store.ts'
import { type Env, timestamp } from '../env.ts'
import { readBlocks } from '../records/blocks.ts'
import { getInvitation } from '../records/invitations.ts'
import { keys } from '../records/keys.ts'
import {
  type BlocksRecord,
  type HostRecord,
  type NumbersRecord,
  type PoolRecord,
  readAll,
  schemaVersion,
} from '../records/records.ts'
import { hashOf } from '../records/tokens.ts'

export interface Reservation {
  readonly invitation: string
  readonly key: string
  readonly name: string
  readonly address: string
  /** That it will prove itself by. */
  readonly hostKey: string
  readonly by: string
  /** Undefined for a witness: it runs nothing. */
  readonly pool: PoolSpec | undefined
}

const tries = 50

/** Said again it changes nothing: the invitation tells that this host is in. */
export async function reserveHost(env: Env, store: Store, wanted: Reservation): Promise<HostRecord> {
  for (let count = 1; ; count++) {
    const there = await findOwn(store, wanted)
    if (there) return there
    const { host, compare, writes } = await decide(env, store, wanted)
    try {
      await store.transact(compare, writes)
      return host
    } catch (thrown) {
      if (!isCode(thrown, 'CHANGED_MEANWHILE') || count >= tries) throw thrown
    }
  }
}

/** The record of an attempt before that died after its transaction. */
async function findOwn(store: Store, { invitation, name, key }: Reservation): Promise<HostRecord | undefined> {
  const { value } = await getInvitation(store, invitation)
  if (value.bound?.key !== hashOf(key))
    throw new CroftError('REFUSED', 'this invitation is not, or no longer, that of this host', {
      hint: 'on a host of the farm: croft host invite',
    })
  if (value.joined === undefined) return undefined
  const { entry } = await store.get(keys.host(value.joined))
  if (entry && value.joined === name) return entry.value as HostRecord
  throw new CroftError('REFUSED', `this host is in the farm as "${value.joined}"`, {
    hint: `croft join TOKEN --name ${value.joined}`,
  })
}

interface Decided {
  readonly host: HostRecord
  readonly compare: readonly Compare[]
  readonly writes: readonly Write[]
}

async function decide(env: Env, store: Store, wanted: Reservation): Promise<Decided> {
  const { name, pool, address } = wanted
  const invitation = await getInvitation(store, wanted.invitation)
  const hosts = (await readAll<HostRecord>(store, keys.hosts)).map(({ value }) => value)
  if (hosts.some((each) => each.name === name)) throw nameTaken(name)
  const blocks = await readBlocks(store)
  const number = firstFreeHostNumber(hosts.map((each) => each.number))
  const block = firstFreeBlock(Object.keys(blocks.value.taken).map(Number))
  if (number === undefined || block === undefined)
    throw new CroftError('LIMIT_REACHED', 'the farm has no number left for another host', { hint: 'croft host ls' })
  const witness = pool === undefined
  const host: HostRecord = {
    ...{ schema: schemaVersion, name, number, uidBase: defaultUidBase, address, key: wanted.hostKey },
    ...(witness ? { witness } : {}),
  }
  const taken: BlocksRecord = witness
    ? blocks.value
    : { ...blocks.value, taken: { ...blocks.value.taken, [block]: name } }
  const at = timestamp(env)
  return {
    host,
    compare: [
      { key: invitation.key, revision: invitation.revision },
      { key: keys.host(name), revision: 0 },
      // Every host writes it when it comes: so two that come at once get two numbers.
      { key: keys.blocks, revision: blocks.revision },
    ],
    writes: [
      { put: invitation.key, value: { ...invitation.value, joined: name, joinedAt: at } },
      { put: keys.host(name), value: host },
      { put: keys.blocks, value: taken },
      ...(pool === undefined ? [] : runs(name, block, pool)),
      ...historyWrites(
        { at, by: wanted.by, kind: 'host', name, verb: 'join', before: null, after: host },
        env.id().slice(0, 8),
      ),
    ],
  }
}

function runs(name: string, block: number, pool: PoolSpec): Write[] {
  const numbers: NumbersRecord = {
    ...{ schema: schemaVersion, blocks: [block], next: block * blockSize + 1, used: [], resting: [], slots: [] },
  }
  return [
    { put: keys.numbers(name), value: numbers },
    { put: keys.pool(name, pool.name), value: { schema: schemaVersion, ...pool } satisfies PoolRecord },
  ]
}

export const nameTaken = (name: string): CroftError =>
  new CroftError('EXISTS', `the farm has a host "${name}" already`, { hint: 'croft join TOKEN --name OTHER-NAME' })
