/** What a drain sends elsewhere by itself: instances of sites without data; other guests stay until they are moved. */
import type { Daemon } from '../daemon.ts'
import { leavesAt } from '../farm/site-now.ts'
import { keys } from '../records/keys.ts'
import { type GuestRecord, type HostRecord, readAll } from '../records/records.ts'

/** Names of both, as if `host` were drained now. */
export async function leavingWith(
  { store }: Pick<Daemon, 'store'>,
  host: string,
): Promise<{ readonly leaving: readonly string[]; readonly staying: readonly string[] }> {
  const [hosts, guests] = await Promise.all([
    readAll<HostRecord>(store, keys.hosts),
    readAll<GuestRecord>(store, keys.guests(host)),
  ])
  const leaves = leavesAt(hosts.map(({ value }) => (value.name === host ? { ...value, drained: true } : value)))
  const named = (goes: boolean) =>
    guests.flatMap(({ value }) => (!value.deleting && isGoing(value) === goes ? [value.name] : [])).sort()
  const isGoing = (guest: GuestRecord) => guest.spec.part?.kind === 'instance' && leaves(guest)
  return { leaving: named(true), staying: named(false) }
}
