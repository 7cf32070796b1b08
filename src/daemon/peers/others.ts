/**
 * The other hosts of the farm, as this daemon knows them: who they are, who leads, and the way to them. It is there only
 * where the store can have several hosts.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { RouteName } from '../../api/routes.ts'
import { type Ability, noVersions, type Versions } from '../../plan/versions.ts'
import { cursor, type Store } from '../../store/store.ts'
import type { Env } from '../env.ts'
import { electedLeader, type Leader, type LeaderRecord } from '../farm/leader.ts'
import { openLeaderLease } from '../farm/leader-lease.ts'
import type { Log } from '../host/parts.ts'
import type { Caller } from '../http/access.ts'
import type { OperationRecord, Operations } from '../operations/operations.ts'
import type { Material } from '../pki/authority.ts'
import { keys } from '../records/keys.ts'
import type { FarmRecord, HostRecord } from '../records/records.ts'
import { assertAllCan } from '../records/versions.ts'
import { carry } from './carry.ts'
import { createPeers } from './client.ts'
import { followTokens } from './follow-tokens.ts'
import { openMirror } from './mirror.ts'
import { namingOlder } from './older.ts'
import type { Peers } from './peers.ts'
import { type Asked, findElsewhere } from './whose.ts'

export interface Others {
  readonly own: string
  readonly peers: Peers
  readonly leader: Leader
  /** All of the farm, this one too, by their names. */
  hosts(): readonly HostRecord[]
  find(host: string): HostRecord | undefined
  farm(): FarmRecord | undefined
  /** Its daemon speaks with the store. */
  isAlive(host: string): boolean
  /** Throws HOST_TOO_OLD: its croft is older, and cannot do this. */
  assertCan(host: string, ability: Ability): void
  /** Told when the hosts are others, one has come or gone, or the farm's own settings are others. */
  onChange(listener: () => void): void
  /** Carries a request to the host that it is of, and answers as that one does. Undefined: it is for this host to answer. */
  carry(name: RouteName, asked: Carried): Promise<boolean>
  close(): Promise<void>
}

export interface Carried extends Asked {
  readonly caller: Caller
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly closed: AbortSignal
}

export interface OthersParts {
  readonly env: Env
  readonly store: Store
  readonly log: Log
  readonly own: string
  readonly operations: Operations
  readonly material: () => Material
  /** Another way to ask them, in tests. */
  readonly peers?: Peers
  /** Another host wished something of this guest. */
  readonly nudge: (number: number) => void
  /** Ends what a token has opened here: it was removed, wherever that was said. */
  readonly shutOut: (token: string) => void
}

export async function openOthers(parts: OthersParts): Promise<Others> {
  const { env, store, log, own } = parts
  const closing = new AbortController()
  const { signal } = closing
  const mirrored = { env, store, signal }
  const [hosts, alive, leaderKey, farm, versions] = await Promise.all([
    openMirror<HostRecord>(mirrored, keys.hosts),
    openMirror<object>(mirrored, keys.allAlive),
    openMirror<LeaderRecord>(mirrored, keys.leader),
    openMirror<FarmRecord>(mirrored, keys.farm),
    openMirror<Versions>(mirrored, keys.versions),
  ])
  const find = (host: string) => hosts.get(keys.host(host))
  const lease = openLeaderLease({ env, store, log })
  const way =
    parts.peers ??
    createPeers({
      own,
      material: parts.material,
      addressOf: (host) => (find(host)?.dead === undefined ? find(host)?.address : undefined),
      keyOf: (host) => find(host)?.key,
    })
  const peers = namingOlder(way, own, () => versions.get(keys.versions))
  const known = { get: () => leaderKey.get(keys.leader), onChange: leaderKey.onChange }
  const leader = electedLeader({ store, log, own, lease, known })
  const sight = { own, store, isHost: (name: string) => find(name) !== undefined, leader: leader.host }
  const assertCan = (host: string, ability: Ability) =>
    assertAllCan(ability, versions.get(keys.versions) ?? noVersions, [host])
  followOperations(parts, signal)
  await followTokens(mirrored, parts.shutOut)

  return {
    ...{ own, peers, leader, find, assertCan },
    hosts: () => hosts.values(),
    farm: () => farm.get(keys.farm),
    isAlive: (host) => alive.get(keys.alive(host)) !== undefined,
    onChange(listener) {
      hosts.onChange(listener)
      alive.onChange(listener)
      farm.onChange(listener)
    },
    async carry(name, asked) {
      const elsewhere = await findElsewhere(sight, name, asked)
      if (elsewhere?.needs) assertCan(elsewhere.host, elsewhere.needs)
      return elsewhere !== undefined && carry(peers, { ...asked, ...elsewhere, name })
    },
    async close() {
      closing.abort(new Error('the daemon stops'))
      await leader.close()
      await lease.close()
      peers.close()
    },
  }
}

const againMs = 1000

/** Those that other hosts write for this one. */
function followOperations(parts: OthersParts, signal: AbortSignal): void {
  const { env, store, operations, nudge } = parts
  const follow = async () => {
    const { revision } = await store.get(keys.farm)
    for await (const { changes } of store.watch(keys.operations, { from: cursor(store, revision), signal }))
      for (const change of changes) {
        const record = change.kind === 'put' ? (change.value as OperationRecord) : undefined
        if (record && operations.adopt(record) && record.goal.kind === 'guest') nudge(record.goal.number)
      }
  }
  follow().catch(() => {
    if (!signal.aborted) env.later(againMs, () => followOperations(parts, signal))
  })
}
