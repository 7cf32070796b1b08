/** What a drain sends elsewhere by itself: instances of sites without data; other guests stay until they are moved. */
import type { Daemon } from '../daemon.ts'
import { leavesAt } from '../farm/site-now.ts'
import { keys } from '../records/keys.ts'
import { type GuestRecord, type HostRecord, readAll } from '../records/records.ts'

/** Their names, as if `host` were drained now. */
export async function leavingWith({ store }: Pick<Daemon, 'store'>, host: string): Promise<string[]> {
  const [hosts, guests] = await Promise.all([
    readAll<HostRecord>(store, keys.hosts),
    readAll<GuestRecord>(store, keys.guests(host)),
  ])
  const leaves = leavesAt(hosts.map(({ value }) => (value.name === host ? { ...value, drained: true } : value)))
  const going = guests.filter(({ value }) => value.spec.part?.kind === 'instance' && !value.deleting && leaves(value))
  return going.map(({ value }) => value.name).sort()
}
