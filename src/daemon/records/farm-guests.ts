/** Guests of all hosts: their records say where they are, and each host tells of its own. */
import type { GuestStatus } from '../../api/guest.ts'
import type { Store } from '../../store/store.ts'
import { keys } from './keys.ts'
import { type GuestRecord, type Held, readAll } from './records.ts'

export const readFarmGuests = (store: Store): Promise<Held<GuestRecord>[]> => readAll(store, keys.allGuests)

/** By the guest's number, which is the farm's. */
export async function readFarmStatuses(
  store: Store,
  guests: readonly Held<GuestRecord>[],
): Promise<ReadonlyMap<number, GuestStatus>> {
  const hosts = [...new Set(guests.map(({ value }) => value.host))]
  const told = await Promise.all(hosts.map((host) => readAll<GuestStatus>(store, keys.guestStatuses(host))))
  return new Map(told.flat().map(({ key, value }) => [Number(key.slice(-5)), value]))
}
