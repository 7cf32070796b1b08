/** What the host that leads the farm does for all members: brings in, lets vote, sends away, one step a pass; makes room. */
import { isCode } from '../../api/errors.ts'
import { planStoreMembers, type StoreHost, type StoreMember, type StoreStep } from '../../plan/store-members.ts'
import type { Cluster, ClusterMember, MemberStatus } from '../../store/etcd/cluster.ts'
import type { Store } from '../../store/store.ts'
import type { Log } from '../host/parts.ts'
import { keys } from '../records/keys.ts'
import { type HostRecord, read, readAll, schemaVersion } from '../records/records.ts'
import { placeOf } from './places.ts'
import type { StoreMemberRecord } from './records.ts'

export interface LeadParts {
  /** The leader's: who is deposed writes nothing. */
  readonly store: Store
  readonly cluster: Cluster
  readonly log: Log
}

interface Seen {
  readonly hosts: readonly HostRecord[]
  readonly told: readonly ClusterMember[]
}

/** True: something is under way, and may go on soon. */
export async function leadMembers(parts: LeadParts): Promise<boolean> {
  const { store, cluster, log } = parts
  const hosts = (await readAll<HostRecord>(store, keys.hosts)).map(({ value }) => value)
  const told = await cluster.members()
  const records = (await readAll<StoreMemberRecord>(store, keys.storeMembers)).map(({ value }) => value)
  const toldOf = (name: string, what: StoreMemberRecord['state']): boolean =>
    records.some(({ host, state }) => host === name && state === what)
  const alive = new Set((await readAll(store, keys.allAlive)).map(({ key }) => key))
  await mendRecords(parts, records, { hosts, told })
  const statuses = await statusesOf(cluster, told)
  const step = planStoreMembers(
    hosts.map(
      (host): StoreHost => ({
        ...{ name: host.name, number: host.number, witness: host.witness ?? false, dead: host.dead !== undefined },
        ...{ reachable: placeOf(host) !== undefined, alive: alive.has(keys.alive(host.name)) },
        ...{ lost: toldOf(host.name, 'lost'), leaving: toldOf(host.name, 'gone') },
      }),
    ),
    told.map((member): StoreMember => {
      const status = statuses.get(member.id)
      const answers = status !== undefined
      return {
        ...{ id: member.id, host: hostOf(member, hosts)?.name, learner: member.learner, answers },
        leads: status?.leader === member.id,
      }
    }),
  )
  if (!step) return false
  if (await take(parts, step, { hosts, told })) log.info({ ...step }, 'members of the store')
  return true
}

/** By the address, because one that has not come yet tells no name. */
const hostOf = ({ name, peerUrls }: ClusterMember, hosts: readonly HostRecord[]): HostRecord | undefined =>
  hosts.find((host) => peerUrls.includes(placeOf(host)?.peerUrl ?? '')) ?? hosts.find((host) => host.name === name)

export async function statusesOf(
  cluster: Cluster,
  told: readonly ClusterMember[],
): Promise<ReadonlyMap<string, MemberStatus>> {
  const asked = told.map(async ({ id, clientUrls: [url] }) => {
    const status = url === undefined ? undefined : await cluster.status(url).catch(() => undefined)
    return [id, status] as const
  })
  return new Map((await Promise.all(asked)).filter((pair): pair is [string, MemberStatus] => pair[1] !== undefined))
}

async function take(parts: LeadParts, step: StoreStep, seen: Seen): Promise<boolean> {
  const { cluster } = parts
  if (step.do === 'remove') {
    if (!(await notBusy(cluster.remove(step.id)))) return false
    if (step.host !== undefined) await sendAway(parts, step.host, seen.hosts)
    return true
  }
  const host = seen.hosts.find(({ name }) => name === step.host)
  const place = host && placeOf(host)
  if (!place) return false
  if (step.do === 'add') {
    if (!(await notBusy(cluster.add(place.peerUrl, { learner: true })))) return false
    await tell(parts, { name: host.name, ...place })
    return true
  }
  // Who led before may have died between the two words.
  await tell(parts, { name: host.name, ...place })
  return notBusy(cluster.promote(step.id))
}

/** etcd takes no step while somebody has just come, or has not caught up: the next pass tries again. */
const notBusy = (work: Promise<unknown>): Promise<boolean> =>
  work.then(
    () => true,
    (thrown) => {
      if (isCode(thrown, 'BUSY')) return false
      throw thrown
    },
  )

/** The host starts its member when it reads this. */
async function tell(
  { store, cluster }: LeadParts,
  { name, clientUrl, peerUrl }: { name: string; clientUrl: string; peerUrl: string },
): Promise<void> {
  const key = keys.storeMember(name)
  const known = await read<StoreMemberRecord>(store, key)
  const initial = (await cluster.members()).flatMap((each) =>
    each.peerUrls.map((url) => ({ name: url === peerUrl ? name : each.name, peerUrl: url })),
  )
  const record: StoreMemberRecord = { schema: schemaVersion, host: name, state: 'wanted', clientUrl, peerUrl, initial }
  // Also when the host has one of a time before it had left.
  if (JSON.stringify(known?.value) === JSON.stringify(record)) return
  await store.transact([{ key, revision: known?.revision ?? 0 }], [{ put: key, value: record }])
}

async function sendAway({ store }: LeadParts, name: string, hosts: readonly HostRecord[]): Promise<void> {
  const host = hosts.find((each) => each.name === name)
  const key = keys.storeMember(name)
  const known = await read<StoreMemberRecord>(store, key)
  const place = host && placeOf(host)
  if (host === undefined || host.dead !== undefined || !place) {
    if (known) await store.transact([{ key, revision: known.revision }], [{ delete: key }])
    return
  }
  const record: StoreMemberRecord = { schema: schemaVersion, host: name, state: 'gone', ...place, initial: [] }
  await store.transact([{ key, revision: known?.revision ?? 0 }], [{ put: key, value: record }])
}

/** Of members that went while who led could not say so any more, and of hosts that left. */
async function mendRecords(parts: LeadParts, records: readonly StoreMemberRecord[], seen: Seen): Promise<void> {
  for (const { host, state } of records) {
    if (state === 'gone' || seen.told.some((member) => hostOf(member, seen.hosts)?.name === host)) continue
    await sendAway(parts, host, seen.hosts)
  }
}

/** Half of it and more than this is air. */
const leastAirBytes = 64 * 1024 ** 2

/** One member after another, who leads last: it stands still meanwhile. */
export async function defragmentMembers({ cluster, log }: Pick<LeadParts, 'cluster' | 'log'>): Promise<void> {
  const told = await cluster.members()
  const statuses = await statusesOf(cluster, told)
  const airy = told.filter(({ id }) => {
    const { sizeBytes = 0, usedBytes = 0 } = statuses.get(id) ?? {}
    return sizeBytes - usedBytes > Math.max(leastAirBytes, sizeBytes / 2)
  })
  const leads = ({ id }: ClusterMember): number => Number(statuses.get(id)?.leader === id)
  for (const { name, clientUrls } of airy.toSorted((one, two) => leads(one) - leads(two))) {
    const [url] = clientUrls
    if (url === undefined) continue
    await cluster.defragment(url)
    log.info({ member: name }, 'a member of the store was made smaller')
  }
}
