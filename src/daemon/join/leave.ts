/**
 * A host goes: its records in one transaction, and then what is left here is put aside when the store is opened anew, for
 * there is no such host any more. Killed between the two, the next start does the second.
 */
import { CroftError, isCode } from '../../api/errors.ts'
import { inheritBlock } from '../../plan/numbers.ts'
import { historyWrites } from '../../store/history.ts'
import type { Store, Write } from '../../store/store.ts'
import { type Env, timestamp } from '../env.ts'
import type { VolumeRecord } from '../records/app-records.ts'
import { readBlocks } from '../records/blocks.ts'
import { readFarmGuests } from '../records/farm-guests.ts'
import { keys } from '../records/keys.ts'
import type { MoveRecord } from '../records/moves.ts'
import {
  type GuestRecord,
  type Held,
  type HostRecord,
  type NumbersRecord,
  type PoolRecord,
  read,
  readAll,
} from '../records/records.ts'
import { leaveReplicas } from '../replicas/leave.ts'
import { assertSpared, leaveMembers } from '../store-move/leave-members.ts'
import type { JoiningParts } from './parts.ts'

const tries = 20

export async function leaveFarm(parts: JoiningParts, by: string, reason: string | undefined): Promise<void> {
  const { env } = parts
  const own = parts.open()?.parts.host.name
  if (own === undefined) throw new CroftError('NOT_INITIALISED', 'this host has no farm', { hint: 'croft init' })
  const store = parts.store()
  const hosts = await readAll<HostRecord>(store, keys.hosts)
  if (hosts.length === 1 || store.kind !== 'etcd')
    throw new CroftError('REFUSED', `${own} is the only host of the farm: without it there is none`, {
      hint: 'croft host invite',
    })
  await assertSpared(parts, own)
  const farm = parts.open()
  if (farm) await leaveReplicas(farm.parts)
  await removeHost(parts, store, { own, by, reason })
  // Who looks after the member would start it again.
  await farm?.members?.close()
  await leaveMembers(parts, own).catch((thrown) =>
    parts.log.warn({ error: String(thrown) }, 'a member of the store is left'),
  )
  parts.log.warn({ host: own, at: timestamp(env) }, 'this host has left the farm')
  await parts.becomeNobody()
}

interface Leaving {
  readonly own: string
  readonly by: string
  readonly reason: string | undefined
}

/** What the store has of it; from the first transaction on there is no such host. */
export async function removeHost(
  { env, log, failpoint }: Pick<JoiningParts, 'env' | 'log' | 'failpoint'>,
  store: Store,
  leaving: Leaving,
): Promise<void> {
  for (let count = 1; ; count++) {
    try {
      await removeRecords(env, store, leaving)
      break
    } catch (thrown) {
      if (!isCode(thrown, 'CHANGED_MEANWHILE') || count >= tries) throw thrown
    }
  }
  failpoint('leaveRecords.after')
  await sweep(store, leaving.own).catch((thrown) =>
    log.warn({ error: String(thrown) }, 'something of this host is left'),
  )
}

/** A guest that comes meanwhile takes a number, and so changes what is compared. */
async function removeRecords(env: Env, store: Store, { own, by, reason }: Leaving): Promise<void> {
  const host = await read<HostRecord>(store, keys.host(own))
  if (!host) return
  const numbers = await read<NumbersRecord>(store, keys.numbers(own))
  const guests = await readFarmGuests(store)
  await assertNobodyHere(store, guests, own)
  const blocks = await readBlocks(store)
  const pools = await readAll<PoolRecord>(store, keys.pools(own))
  const heirs = numbers ? await inherited(store, numbers.value, guests) : new Map<string, Heir>()
  const taken = Object.fromEntries(Object.entries(blocks.value.taken).filter(([, name]) => name !== own))
  for (const [name, heir] of heirs) for (const block of heir.blocks) taken[block] = name
  const record = { at: timestamp(env), by, kind: 'host', name: own, verb: 'leave', before: host.value, after: null }
  await store.transact(
    [
      { key: host.key, revision: host.revision },
      { key: keys.numbers(own), revision: numbers?.revision ?? 0 },
      { key: blocks.key, revision: blocks.revision },
      ...[...heirs.values()].map(({ held: { key, revision } }) => ({ key, revision })),
    ],
    [
      ...[host.key, keys.numbers(own), keys.facts(own), ...pools.map(({ key }) => key)].map(
        (key): Write => ({ delete: key }),
      ),
      ...[...heirs.values()].map(({ held: { key, value } }): Write => ({ put: key, value })),
      { put: blocks.key, value: { ...blocks.value, taken } },
      ...historyWrites({ ...record, ...(reason === undefined ? {} : { reason }) }, env.id().slice(0, 8)),
    ],
  )
}

async function assertNobodyHere(store: Store, guests: readonly Held<GuestRecord>[], own: string): Promise<void> {
  if (guests.some(({ value }) => value.host === own))
    throw new CroftError('IN_USE', `host ${own} has guests`, { hint: `croft host drain ${own} · croft ls` })
  const volumes = await readAll<VolumeRecord>(store, keys.volumes(own))
  const data = volumes.find(({ value: { site, deleting } }) => !deleting && !site.endsWith('/build'))
  if (data)
    throw new CroftError('IN_USE', `lasting data of ${data.value.site} lies on ${own}`, {
      hint: `croft volume ls ${data.value.site} · croft move ${data.value.site} HOST · croft volume rm`,
    })
  // Behind its switch there is still something to be cleared, here and there.
  const moves = await readAll<MoveRecord>(store, keys.moves)
  if (moves.some(({ value }) => value.from === own || value.to === own))
    throw new CroftError('BUSY', `a guest is on its way from or to ${own}`, { hint: 'croft op ls' })
}

interface Heir {
  readonly blocks: readonly number[]
  readonly held: Held<NumbersRecord>
}

/** A guest that moved away keeps its number: the block goes to a host that has one of them. */
async function inherited(
  store: Store,
  from: NumbersRecord,
  guests: readonly Held<GuestRecord>[],
): Promise<ReadonlyMap<string, Heir>> {
  const heirs = new Map<string, Heir>()
  for (const block of from.blocks) {
    const name = guests.find(({ value }) => value.number >> 8 === block)?.value.host
    const known = name === undefined ? undefined : heirs.get(name)
    const held = known?.held ?? (name === undefined ? undefined : await read<NumbersRecord>(store, keys.numbers(name)))
    if (name === undefined || !held) continue
    const value = inheritBlock(held.value, from, block)
    heirs.set(name, { blocks: [...(known?.blocks ?? []), block], held: { ...held, value } })
  }
  return heirs
}

const deletesAtOnce = 90

/** What nobody reads without its host. */
async function sweep(store: Store, own: string): Promise<void> {
  for (const prefix of [
    `status/${own}/`,
    keys.ports(own),
    keys.hooks(own),
    keys.checks(own),
    keys.snapshots(own),
    keys.volumes(own),
  ]) {
    const found = (await readAll(store, prefix)).map(({ key }): Write => ({ delete: key }))
    for (let from = 0; from < found.length; from += deletesAtOnce)
      await store.transact([], found.slice(from, from + deletesAtOnce))
  }
  await store.transact([], [{ delete: keys.edgeStatus(own) }, { delete: keys.removal(own) }])
}
