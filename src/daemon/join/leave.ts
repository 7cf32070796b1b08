/**
 * A host goes: its records in one transaction, and then what is left here is put aside when the store is opened anew, for
 * there is no such host any more. Killed between the two, the next start does the second.
 */
import { CroftError, isCode } from '../../api/errors.ts'
import { historyWrites } from '../../store/history.ts'
import type { Store, Write } from '../../store/store.ts'
import { timestamp } from '../env.ts'
import { readBlocks } from '../records/blocks.ts'
import { keys } from '../records/keys.ts'
import { type HostRecord, type NumbersRecord, type PoolRecord, read, readAll } from '../records/records.ts'
import { leaveReplicas } from '../replicas/leave.ts'
import { assertNotLastMember, leaveMembers } from '../store-move/leave-members.ts'
import type { JoiningParts } from './parts.ts'

const tries = 20

export async function leaveFarm(parts: JoiningParts, by: string, reason: string | undefined): Promise<void> {
  const { env, failpoint } = parts
  const own = parts.open()?.parts.host.name
  if (own === undefined) throw new CroftError('NOT_INITIALISED', 'this host has no farm', { hint: 'croft init' })
  const store = parts.store()
  const hosts = await readAll<HostRecord>(store, keys.hosts)
  if (hosts.length === 1 || store.kind !== 'etcd')
    throw new CroftError('REFUSED', `${own} is the only host of the farm: without it there is none`, {
      hint: 'croft host invite',
    })
  await assertNotLastMember(parts, own)
  const farm = parts.open()
  if (farm) await leaveReplicas(farm.parts)
  for (let count = 1; ; count++) {
    try {
      await removeRecords(parts, store, { own, by, reason })
      break
    } catch (thrown) {
      if (!isCode(thrown, 'CHANGED_MEANWHILE') || count >= tries) throw thrown
    }
  }
  failpoint('leaveRecords.after')
  await sweep(store, own).catch((thrown) => parts.log.warn({ error: String(thrown) }, 'something of this host is left'))
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

/** A guest that comes meanwhile takes a number, and so changes what is compared. */
async function removeRecords({ env }: JoiningParts, store: Store, { own, by, reason }: Leaving): Promise<void> {
  const host = await read<HostRecord>(store, keys.host(own))
  if (!host) return
  const numbers = await read<NumbersRecord>(store, keys.numbers(own))
  if ((numbers?.value.used ?? []).length > 0)
    throw new CroftError('IN_USE', `host ${own} has guests`, { hint: `croft host drain ${own} · croft ls` })
  const blocks = await readBlocks(store)
  const pools = await readAll<PoolRecord>(store, keys.pools(own))
  const taken = Object.fromEntries(Object.entries(blocks.value.taken).filter(([, name]) => name !== own))
  const record = { at: timestamp(env), by, kind: 'host', name: own, verb: 'leave', before: host.value, after: null }
  await store.transact(
    [
      { key: host.key, revision: host.revision },
      { key: keys.numbers(own), revision: numbers?.revision ?? 0 },
      { key: blocks.key, revision: blocks.revision },
    ],
    [
      ...[host.key, keys.numbers(own), keys.facts(own), ...pools.map(({ key }) => key)].map(
        (key): Write => ({ delete: key }),
      ),
      { put: blocks.key, value: { ...blocks.value, taken } },
      ...historyWrites({ ...record, ...(reason === undefined ? {} : { reason }) }, env.id().slice(0, 8)),
    ],
  )
}

const deletesAtOnce = 90

/** What nobody reads without its host. */
async function sweep(store: Store, own: string): Promise<void> {
  for (const prefix of [`status/${own}/`, keys.ports(own), keys.hooks(own), keys.checks(own), keys.snapshots(own)]) {
    const found = (await readAll(store, prefix)).map(({ key }): Write => ({ delete: key }))
    for (let from = 0; from < found.length; from += deletesAtOnce)
      await store.transact([], found.slice(from, from + deletesAtOnce))
  }
  await store.transact([], [{ delete: keys.edgeStatus(own) }, { delete: keys.removal(own) }])
}
