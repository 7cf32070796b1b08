/** Whether a host can take a guest's disk: asked before a move, and before a replica. */
import { CroftError } from '../../api/errors.ts'
import type { GuestStatus } from '../../api/guest.ts'
import type { PeerLook } from '../../api/move.ts'
import { roughSize } from '../../plan/amount.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import type { HostParts } from '../host/parts.ts'
import { keys } from '../records/keys.ts'
import { type GuestRecord, type Held, type HostRecord, type PoolRecord, read } from '../records/records.ts'
import { readReplicas } from '../records/replicas.ts'
import { hasNetwork } from '../vlans/vlans.ts'
import { lookThere } from './send.ts'

/** What is free beyond the disk itself: a pool that is just full serves nobody. */
export const spareBytes = 64 * 1024 ** 2

export async function getTaking({ store }: Daemon, { spec }: GuestRecord, to: string): Promise<Held<HostRecord>> {
  const found = await read<HostRecord>(store, keys.host(to))
  const host = found?.value
  if (!found || !host) throw new CroftError('NOT_FOUND', `no host "${to}"`, { hint: 'croft host ls' })
  const why = host.dead
    ? 'was declared dead'
    : host.witness
      ? 'votes, and runs nothing'
      : host.drained
        ? 'is drained'
        : undefined
  if (why !== undefined)
    throw new CroftError('REFUSED', `host ${to} ${why}: it takes no guests`, {
      hint: host.drained ? `croft host undrain ${to}` : 'croft host ls',
    })
  if (!(await read<PoolRecord>(store, keys.pool(to, spec.pool))))
    throw new CroftError('REFUSED', `host ${to} has no pool "${spec.pool}"`, { hint: 'croft pool ls' })
  return found
}

/** What lies there and what is in the way; throws when that host cannot have the guest's networks. */
export async function lookForGuest(
  daemon: Daemon,
  { name, host, number, spec }: GuestRecord,
  to: string,
): Promise<PeerLook> {
  const { parts, others } = getFarm(daemon)
  if (hasNetwork({ spec })) others?.assertCan(to, 'vlans')
  if ((await readReplicas(daemon.store, keys.replicasOf(number))).length > 0) others?.assertCan(to, 'replicas')
  const look = await lookThere(parts, { from: host, to, number })
  if (look.lacks === undefined) return look
  const why = look.lacksWhy === undefined ? '' : `: ${look.lacksWhy}`
  throw new CroftError('REFUSED', `${to} has no device ${look.lacks}, which a network of ${name} is on${why}`, {
    hint: `croft network ls · croft show ${name}`,
  })
}

/** How much its disk holds, when that is known. */
export async function assertRoom(
  parts: HostParts,
  { name, number, spec }: GuestRecord,
  { to, look }: { readonly to: string; readonly look: PeerLook },
): Promise<number | undefined> {
  const used = await parts.storage(spec.pool).usage({ kind: 'root', number, id: spec.root.id })
  const needs = used?.usedBytes ?? 0
  if (look.freeBytes === null || needs + spareBytes <= look.freeBytes) return used?.usedBytes
  throw new CroftError(
    'POOL_FULL',
    `${name} needs ${roughSize(needs)}, the pool of ${to} has ${roughSize(look.freeBytes)} left`,
    { hint: 'croft pool ls' },
  )
}

/** The disk of which a copy is wanted is there. */
export async function assertMade({ store }: Daemon, { name, host, number, spec }: GuestRecord): Promise<void> {
  const status = await read<GuestStatus>(store, keys.guestStatus(host, number))
  if (status?.value.rootId === spec.root.id) return
  throw new CroftError('BUSY', `the disk of "${name}" is being made`, { hint: 'croft op ls' })
}
