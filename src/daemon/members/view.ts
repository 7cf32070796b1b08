/** The store as people see it; also while it is away. */
import { stat } from 'node:fs/promises'
import { type CroftError, toCroftError } from '../../api/errors.ts'
import type { StoreMemberView, StoreView } from '../../api/store.ts'
import { countOfMembers } from '../../plan/store-members.ts'
import { type Cluster, type ClusterMember, type MemberStatus, openCluster } from '../../store/etcd/cluster.ts'
import type { Store } from '../../store/store.ts'
import { keys } from '../records/keys.ts'
import { type HostRecord, readAll } from '../records/records.ts'
import type { Settings } from '../settings.ts'
import { type EtcdParts, ownPair } from '../store-move/open-etcd.ts'
import { findMarker, type StoreMarker } from '../store-move/place.ts'
import { statusesOf } from './lead.ts'
import { listSnapshots, snapshotsFolderOf } from './snapshots.ts'

export interface ViewParts extends Omit<EtcdParts, 'log'> {
  readonly settings: Pick<Settings, 'stateDir' | 'storeFile'>
  /** Undefined while it is away. */
  readonly store: Store | undefined
  readonly away?: CroftError
}

const patienceMs = 2000

export async function viewStore(parts: ViewParts): Promise<StoreView> {
  const { store, away, settings } = parts
  const marker = await findMarker(settings.stateDir)
  const revision = store ? (await store.get(keys.farm)).revision : null
  const reason = away ? { reason: away.message } : {}
  if (!marker) {
    const size = await stat(settings.storeFile).catch(() => undefined)
    const at = [settings.storeFile]
    return { kind: 'sqlite', at, revision, sizeBytes: size?.size ?? null, members: [], snapshot: null, ...reason }
  }
  const [snapshot = null] = await listSnapshots(snapshotsFolderOf(settings.stateDir))
  const members = await membersOf(parts, marker)
  const sizeBytes = Math.max(0, ...members.map((member) => member.sizeBytes ?? 0)) || null
  const view = { kind: 'etcd', at: marker.endpoints, revision, sizeBytes, members, snapshot, ...reason } as const
  if (!store) return view
  const hosts = (await readAll<HostRecord>(store, keys.hosts)).map(({ value }) => value)
  const advice = adviceFor(hosts, members)
  return advice === undefined ? view : { ...view, reason: advice }
}

function adviceFor(hosts: readonly HostRecord[], members: readonly StoreMemberView[]): string | undefined {
  const living = hosts.filter(({ dead }) => dead === undefined).length
  const wanted = countOfMembers(hosts.map(({ dead }) => ({ dead: dead !== undefined })))
  if (wanted === 1 && living === 2)
    return 'two hosts are no majority: one carries the store, and without it nothing can be changed; a third may vote (croft join TOKEN --witness)'
  const voting = members.filter(({ state }) => state === 'leads' || state === 'follows').length
  return voting < wanted ? `${voting} of ${wanted} members vote; croft brings in what is missing` : undefined
}

async function membersOf(parts: ViewParts, { host, endpoints }: StoreMarker): Promise<StoreMemberView[]> {
  const { tls } = await ownPair(parts, host)
  const cluster = openCluster({ endpoints, tls, patienceMs })
  try {
    const told = await cluster.members()
    const statuses = await statusesOf(cluster, told)
    return told.map((member) => viewOf(member, statuses.get(member.id)))
  } catch (thrown) {
    const { message } = toCroftError(thrown)
    return endpoints.map((url) => ({ host: '', url, state: 'away', sizeBytes: null, version: null, reason: message }))
  } finally {
    await cluster.close()
  }
}

function viewOf({ id, name, clientUrls, learner }: ClusterMember, status: MemberStatus | undefined): StoreMemberView {
  const url = clientUrls[0] ?? null
  if (!status) return { host: name, url, state: 'away', sizeBytes: null, version: null }
  const state = learner ? 'copies' : status.leader === id ? 'leads' : status.leader === undefined ? 'away' : 'follows'
  const reason = status.errors.length === 0 ? {} : { reason: status.errors.join('; ') }
  return { host: name, url, state, sizeBytes: status.sizeBytes, version: status.version, ...reason }
}

export type { Cluster }
