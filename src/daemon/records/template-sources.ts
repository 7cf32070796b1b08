/** Which other hosts have a template, and which guests of a host are made from it. */
import type { Store } from '../../store/store.ts'
import { keys } from './keys.ts'
import { goersOf, type MoveRecord } from './moves.ts'
import { type GuestRecord, type HostRecord, read, readAll, type TemplateStatus } from './records.ts'
import type { ReplicaRecord } from './replicas.ts'

interface Asking {
  readonly store: Store
  readonly host: HostRecord
}

export async function findSources({ store, host }: Asking, id: string): Promise<string[]> {
  const hosts = (await readAll<HostRecord>(store, keys.hosts)).filter(
    ({ value }) => value.name !== host.name && !value.dead,
  )
  const found = await Promise.all(
    hosts.map(async ({ value: { name } }) => {
      const status = await read<TemplateStatus>(store, keys.templateStatus(name, id))
      return status?.value.state === 'ready' ? [name] : []
    }),
  )
  return found.flat()
}

/** A guest of this host is to be made from it, or one that was is on its way here, or has a replica here. */
export async function isWanted({ store, host }: Asking, id: string): Promise<boolean> {
  if ((await guestsFrom({ store, host }, id)).length > 0) return true
  const from = isFrom(id)
  for (const { value: move } of await readAll<MoveRecord>(store, keys.moves)) {
    if (move.to !== host.name || move.phase !== 'copy') continue
    for (const { number } of goersOf(move)) {
      const guest = await read<GuestRecord>(store, keys.guest(move.from, number))
      if (guest && from(guest.value)) return true
    }
  }
  for (const { value: replica } of await readAll<ReplicaRecord>(store, keys.replicas)) {
    if (replica.host !== host.name || replica.deleting) continue
    const guest = await read<GuestRecord>(store, keys.guest(replica.from, replica.number))
    if (guest && from(guest.value)) return true
  }
  return false
}

/** Numbers of the guests of this host that are made from it, or shall be. */
export async function guestsFrom({ store, host }: Asking, id: string): Promise<number[]> {
  const guests = await readAll<GuestRecord>(store, keys.guests(host.name))
  return guests.filter(({ value }) => isFrom(id)(value)).map(({ value }) => value.number)
}

const isFrom =
  (id: string) =>
  ({ spec, deleting }: GuestRecord): boolean =>
    !deleting && spec.root.from.kind === 'template' && spec.root.from.id === id
