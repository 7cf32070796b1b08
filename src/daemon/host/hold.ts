/** What the host was found without, and shall not start by itself, stays as it is until somebody wishes otherwise. */
import type { GuestStatus } from '../../api/guest.ts'
import { writeGuestStatus } from '../records/host-writes.ts'
import { keys } from '../records/keys.ts'
import { type GuestRecord, read } from '../records/records.ts'
import type { HostParts } from './parts.ts'

export async function hold(parts: HostParts, { number, name, generation, spec }: GuestRecord): Promise<void> {
  if (spec.run === 'stopped') return
  const known = await read<GuestStatus>(parts.store, keys.guestStatus(parts.host.name, number))
  if (!known || known.value.generation !== generation || known.value.held === generation) return
  await writeGuestStatus(parts, number, { ...known.value, held: generation })
  parts.log.info({ guest: name }, 'does not start by itself')
}
