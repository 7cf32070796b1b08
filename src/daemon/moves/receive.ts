/** What the host that a guest moves to does for the one that it leaves: it looks, takes disks in, and makes the root of the last one. */
import type { Readable } from 'node:stream'
import { CroftError } from '../../api/errors.ts'
import type { Landing, PeerLook } from '../../api/move.ts'
import type { Ref } from '../../drivers/storage/driver.ts'
import type { OpenFarm } from '../daemon.ts'
import type { HostParts } from '../host/parts.ts'
import { poolOfVolumes } from '../host/volume-loop.ts'
import type { Caller } from '../http/access.ts'
import type { VolumeRecord } from '../records/app-records.ts'
import { keys } from '../records/keys.ts'
import { getMove, type MoveRecord } from '../records/moves.ts'
import { type GuestRecord, type Held, read } from '../records/records.ts'
import { mostOfDisk, mostOfVolumes } from './bounds.ts'
import { splitTail } from './tail.ts'

type Here = Pick<OpenFarm, 'parts' | 'loop'>

export async function lookHere({ parts, loop }: Here, from: string, number: number): Promise<PeerLook> {
  const { value } = await getGuest(parts, from, number)
  const { spec } = value
  if (!parts.pools.names.includes(spec.pool))
    throw new CroftError('POOL_MISSING', `there is no pool "${spec.pool}"`, { hint: 'croft pool ls' })
  const storage = parts.storage(spec.pool)
  const [{ roots, snapshots }, { freeBytes }] = await Promise.all([storage.holdings(number), storage.state()])
  const source = spec.root.from
  const used = await Promise.all(
    spec.ports.map(async ({ protocol, hostPort }) =>
      (await parts.network.listens(protocol, hostPort)) ? [`${protocol}/${hostPort}`] : [],
    ),
  )
  const template = source.kind === 'template' && (await storage.exists({ kind: 'template', id: source.id }))
  const volumes: string[] = []
  for (const { id } of spec.volumes ?? [])
    if (await parts.storage(poolOfVolumes).exists({ kind: 'volume', id })) volumes.push(id)
  const lacks = await parts.vlans.lacks(value)
  if (!template) loop.nudgeTemplates()
  return {
    template,
    ...{ roots, snapshots, volumes, freeBytes, listens: used.flat() },
    ...(lacks === undefined ? {} : { lacks: lacks.device }),
    ...(lacks?.why === undefined ? {} : { lacksWhy: lacks.why }),
  }
}

export async function receiveDisk(
  parts: HostParts,
  caller: Caller,
  { number, disk, stream, signal }: { number: number; disk: string; stream: Readable; signal: AbortSignal },
): Promise<{ readonly bytes: number }> {
  const { move, guest } = await getComing(parts, caller, number)
  const mostBytes = move.data ? await mostOfVolumes(parts, move.from, move.data) : await mostOfDisk(parts, guest.value)
  const { body, sha256 } = splitTail(stream)
  parts.failpoint('move.receive.before')
  const got = await parts
    .storage(guest.value.spec.pool)
    .receive({ kind: 'snapshot', number, id: disk }, body, { sha256, mostBytes, signal })
  parts.failpoint('move.receive.after')
  return { bytes: got?.bytes ?? 0 }
}

/** The manifest first: all that lies beside it is this guest's, or the site's, from then on. */
export async function landDisk(parts: HostParts, caller: Caller, number: number, landing: Landing): Promise<void> {
  const { move, guest } = await getComing(parts, caller, number)
  const from: Ref = { kind: 'snapshot', number, id: landing.disk }
  if (move.data) return landVolume(parts, move, from, landing.volume)
  const { spec } = guest.value
  const storage = parts.storage(spec.pool)
  await storage.writeManifest({ guest: number }, guest.value)
  await storage.clone(from, { kind: 'root', number, id: spec.root.id }, { readOnly: false })
}

/** Its limit is set by the first pass of a guest that has it. */
async function landVolume(parts: HostParts, { data, from: host }: MoveRecord, from: Ref, id = ''): Promise<void> {
  const record = await read<VolumeRecord>(parts.store, keys.volume(host, id))
  if (!record || !data?.volumes.some((volume) => volume.id === id))
    throw new CroftError('REFUSED', 'no such volume is on its way here')
  const storage = parts.storage(poolOfVolumes)
  await storage.writeManifest({ volume: id }, record.value)
  await storage.clone(from, { kind: 'volume', id }, { readOnly: false })
}

/** A guest that is on its way here, from the host that asks. */
async function getComing(
  parts: HostParts,
  caller: Caller,
  number: number,
): Promise<{ readonly move: MoveRecord; readonly guest: Held<GuestRecord> }> {
  const move = (await getMove(parts.store, number)).value
  const { from, to, phase } = move
  const isSo =
    to === parts.host.name &&
    caller.role === 'host' &&
    caller.name === `host:${from}` &&
    (phase === 'copy' || phase === 'quiet')
  if (isSo) return { move, guest: await getGuest(parts, from, number) }
  throw new CroftError('REFUSED', `guest number ${number} is not on its way here from ${caller.name}`)
}

async function getGuest({ store }: HostParts, host: string, number: number): Promise<Held<GuestRecord>> {
  const guest = await read<GuestRecord>(store, keys.guest(host, number))
  if (guest) return guest
  throw new CroftError('GUEST_NOT_FOUND', `no guest has the number ${number} on ${host}`, { hint: 'croft ls' })
}
