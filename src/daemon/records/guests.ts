/** Guests as the API shows them, and how a name becomes one. */
import { CroftError } from '../../api/errors.ts'
import type { Guest, GuestStatus } from '../../api/guest.ts'
import type { ShownGuest } from '../../api/replica.ts'
import { ipv4Of, ipv6Of } from '../../plan/addresses.ts'
import { refusal } from '../../plan/part-refusal.ts'
import type { Compare } from '../../store/store.ts'
import { type Daemon, getFarm, type OpenFarm } from '../daemon.ts'
import { readFarmGuests, readFarmStatuses } from './farm-guests.ts'
import { keys } from './keys.ts'
import { type GuestRecord, type Held, type NameRecord, read } from './records.ts'

export async function getGuestRecord(daemon: Daemon, name: string): Promise<Held<GuestRecord>> {
  const reserved = await read<NameRecord>(daemon.store, keys.name(name))
  const record =
    reserved && (await read<GuestRecord>(daemon.store, keys.guest(reserved.value.host, reserved.value.number)))
  if (record && record.value.name === name) return record
  throw new CroftError('GUEST_NOT_FOUND', `no guest "${name}"`, { hint: whereItWouldBe(name) })
}

/** A site says which instances it has. */
function whereItWouldBe(name: string): string {
  const [app, stage, slot] = name.split('/')
  return slot === undefined ? 'croft ls' : `croft instance ls ${app}/${stage}`
}

/** What must still be so when a guest gets that name. A guest and a host of one name would be one name to resolve. */
export async function freeName({ store }: Pick<Daemon, 'store'>, name: string): Promise<readonly Compare[]> {
  const [guest, host] = [keys.name(name), keys.host(name)]
  if (await read(store, guest))
    throw new CroftError('EXISTS', `there is a guest "${name}"`, { hint: `croft show ${name}` })
  if (await read(store, host))
    throw new CroftError('EXISTS', `"${name}" is the name of a host of this farm`, { hint: 'croft host ls' })
  return [guest, host].map((key) => ({ key, revision: 0 }))
}

/** For changes by people: what a loop of the farm made is changed by that loop. `verb` chooses the hint. */
export async function getGuestToChange(daemon: Daemon, name: string, verb: string): Promise<Held<GuestRecord>> {
  const record = await getLivingGuest(daemon, name)
  const { part } = record.value.spec
  if (part) throw refusal(name, part, verb)
  return record
}

/** A guest on its way out takes no more wishes. */
export async function getLivingGuest(daemon: Daemon, name: string): Promise<Held<GuestRecord>> {
  const record = await getGuestRecord(daemon, name)
  const { deleting, moving } = record.value
  if (deleting) throw new CroftError('BUSY', `guest "${name}" is being removed`, { hint: 'croft op ls' })
  if (moving)
    throw new CroftError('BUSY', `guest "${name}" is on its way to ${moving.to}`, {
      hint: 'croft op ls · croft op cancel ID',
    })
  return record
}

export async function viewGuest(daemon: Daemon, name: string): Promise<ShownGuest> {
  const record = await getGuestRecord(daemon, name)
  const status = await read<GuestStatus>(daemon.store, keys.guestStatus(record.value.host, record.value.number))
  const farm = getFarm(daemon)
  const view = guestView(farm, record, status?.value)
  if (!farm.others) return view
  const { listReplicaViews } = await import('../replicas/views.ts')
  const replicas = await listReplicaViews(daemon, record.value.number)
  return replicas.length === 0 ? view : { ...view, replicas }
}

export async function listGuestViews(daemon: Daemon): Promise<Guest[]> {
  const open = getFarm(daemon)
  const records = await readFarmGuests(daemon.store)
  const byNumber = await readFarmStatuses(daemon.store, records)
  return records
    .map((record) => guestView(open, record, byNumber.get(record.value.number)))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

export function guestView(
  { parts, loop, others }: Pick<OpenFarm, 'parts' | 'loop' | 'others'>,
  record: Held<GuestRecord>,
  status: GuestStatus | undefined,
): Guest {
  const { schema: _schema, slot: _slot, ...guest } = record.value
  const phase = guest.deleting ? 'removing' : loop.phase(guest.number)
  const shown: GuestStatus | null =
    phase === undefined ? (status ?? null) : { generation: 0, since: guest.created, ...status, state: phase }
  return {
    ...guest,
    revision: record.revision,
    ...(others && guest.host !== others.own && !others.isAlive(guest.host) ? { away: true } : {}),
    status: shown,
    ipv4: ipv4Of(parts.farm.prefix4, guest.number),
    ipv6: ipv6Of(parts.farm.prefix6, guest.number),
  }
}
