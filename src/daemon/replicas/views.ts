/** Replicas as the API shows them, on any host: from what the store tells. */
import type { Replica } from '../../api/replica.ts'
import { isLate } from '../../plan/replica.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import { readFarmGuests } from '../records/farm-guests.ts'
import { keys } from '../records/keys.ts'
import { type ReplicaPair, readReplicas, timingOf } from '../records/replicas.ts'

/** Of one guest, or of all. */
export async function listReplicaViews(daemon: Daemon, number?: number): Promise<Replica[]> {
  const pairs = await readReplicas(daemon.store, number === undefined ? keys.replicas : keys.replicasOf(number))
  if (pairs.length === 0) return []
  const names = new Map((await readFarmGuests(daemon.store)).map(({ value }) => [value.id, value.name]))
  const views = pairs.map((pair) => viewReplica(daemon, pair, names))
  return views.sort((a, b) => (a.guest + a.host < b.guest + b.host ? -1 : 1))
}

function viewReplica(daemon: Daemon, pair: ReplicaPair, names: ReadonlyMap<string, string>): Replica {
  const { guest, number, from, host, everyMs, rate, created, by, deleting } = pair.record.value
  const timing = timingOf(pair)
  const now = daemon.env.now()
  const { lastAt } = timing
  const last = pair.status?.value.last
  const reason = whyOf(daemon, pair)
  return {
    ...{ guest: names.get(guest) ?? String(number), number, from, host, everyMs },
    ...(rate === undefined ? {} : { rate }),
    state: deleting ? 'removing' : lastAt === undefined ? 'copying' : isLate(timing, now) ? 'late' : 'ready',
    at: lastAt === undefined ? null : new Date(lastAt).toISOString(),
    lagMs: lastAt === undefined ? null : Math.max(0, now - lastAt),
    ...{ sentBytes: last?.bytes ?? null, tookMs: last?.tookMs ?? null },
    ...(reason === undefined ? {} : { reason }),
    ...{ created, by },
  }
}

/** Who has the guest tells why; when that one is away, this is why. */
function whyOf(daemon: Daemon, { record, status }: ReplicaPair): string | undefined {
  const { from, host, deleting } = record.value
  const { others } = getFarm(daemon)
  const away = (deleting ? [host] : [from, host]).find((name) => others && name !== others.own && !others.isAlive(name))
  return away === undefined ? status?.value.failed?.message : `host ${away} is away`
}
