/** Snapshots: records of the API, disks of the loop. A restore is a new root from the snapshot. */
import { CroftError } from '../../../api/errors.ts'
import type { GuestStatus } from '../../../api/guest.ts'
import type { Snapshot } from '../../../api/resources.ts'
import { type Daemon, getFarm } from '../../daemon.ts'
import { timestamp } from '../../env.ts'
import { accepted, type Change, commit } from '../../records/change.ts'
import { readFarmGuests } from '../../records/farm-guests.ts'
import { changeSpec } from '../../records/guest-spec.ts'
import { getGuestRecord, getGuestToChange, viewGuest } from '../../records/guests.ts'
import { keys } from '../../records/keys.ts'
import {
  type GuestRecord,
  type Held,
  read,
  readAll,
  type SnapshotRecord,
  type SnapshotStatus,
  schemaVersion,
} from '../../records/records.ts'
import type { Handlers } from '../handler.ts'

export const handlers = {
  async listSnapshots(daemon, { query }): Promise<Snapshot[]> {
    const guest = query.guest === undefined ? undefined : (await getGuestRecord(daemon, query.guest)).value
    const records = await readAll<SnapshotRecord>(
      daemon.store,
      guest ? keys.snapshotsOf(guest.host, guest.number) : keys.allSnapshots,
    )
    const guests = await readFarmGuests(daemon.store)
    const names = new Map(guests.map(({ value }) => [value.number, value.name]))
    return Promise.all(
      records.map((record) => viewSnapshot(daemon, record, names.get(record.value.number) ?? record.value.guest)),
    )
  },

  async takeSnapshot(daemon, { params, body, query, caller }) {
    const id = daemon.env.uuid()
    const name = body.name ?? defaultName(daemon.env.now())
    // An instance's disk is its release, and what builds hold is theirs: neither is kept beside them.
    const guest = await getGuestToChange(daemon, params.guest, 'snapshot add')
    const { host, number } = guest.value
    const key = keys.snapshot(host, number, name)
    if (query.dryRun)
      return {
        operation: null,
        result: null,
        steps: [{ what: `${params.guest}@${name}`, step: 'takeSnapshot', detail: 'take a read-only copy of its disk' }],
      }
    const operation = await commit(daemon, caller, query, async (): Promise<Change> => {
      const now = await getGuestToChange(daemon, params.guest, 'snapshot add')
      const status = await read<GuestStatus>(daemon.store, keys.guestStatus(host, number))
      if (status?.value.rootId !== now.value.spec.root.id)
        throw new CroftError('BUSY', `the disk of "${params.guest}" is being made`, { hint: 'croft op ls' })
      if (await read(daemon.store, key))
        throw new CroftError('EXISTS', `there is a snapshot "${params.guest}@${name}"`, {
          hint: `croft snapshot ls ${params.guest}`,
        })
      const record: SnapshotRecord = {
        schema: schemaVersion,
        id,
        name,
        guest: params.guest,
        number,
        rootId: now.value.spec.root.id,
        created: timestamp(daemon.env),
      }
      return change(`${params.guest}@${name}`, 'snapshot add', number, {
        before: null,
        after: record,
        compare: [
          { key, revision: 0 },
          { key: now.key, revision: now.revision },
        ],
        writes: [{ put: key, value: record }],
      })
    })
    getFarm(daemon).loop.nudge(number)
    return accepted(daemon, query, operation, async () => {
      const record = await read<SnapshotRecord>(daemon.store, key)
      return record ? viewSnapshot(daemon, record, params.guest) : null
    })
  },

  async restoreSnapshot(daemon, { params, query, caller }) {
    const snapshot = await getSnapshot(daemon, params.guest, params.snapshot)
    const from = {
      kind: 'snapshot',
      id: snapshot.value.id,
      number: snapshot.value.number,
      name: `${params.guest}@${params.snapshot}`,
    } as const
    const root = { id: daemon.env.uuid(), from }
    const compare = [{ key: snapshot.key, revision: snapshot.revision }]
    const answer = await changeSpec(
      daemon,
      { name: params.guest, verb: 'snapshot restore', query, caller, compare },
      (spec) => ({ ...spec, root }),
    )
    return query.dryRun ? answer : { ...answer, result: await viewGuest(daemon, params.guest) }
  },

  async removeSnapshot(daemon, { params, query, caller }) {
    const first = await getSnapshot(daemon, params.guest, params.snapshot)
    const name = `${params.guest}@${params.snapshot}`
    if (query.dryRun)
      return { operation: null, result: null, steps: [{ what: name, step: 'removeSnapshot', detail: 'remove it' }] }
    const operation = await commit(daemon, caller, query, async (): Promise<Change> => {
      const record = await getSnapshot(daemon, params.guest, params.snapshot)
      await assertNotSource(daemon, record)
      return change(name, 'snapshot rm', record.value.number, {
        before: record.value,
        after: null,
        compare: [{ key: record.key, revision: record.revision }],
        writes: [{ put: record.key, value: { ...record.value, deleting: true } }],
      })
    })
    getFarm(daemon).loop.nudge(first.value.number)
    return accepted(daemon, query, operation, async () => null)
  },
} satisfies Partial<Handlers>

function change(
  name: string,
  verb: string,
  number: number,
  rest: Pick<Change, 'before' | 'after' | 'compare' | 'writes'>,
): Change {
  return { kind: 'snapshot', name, verb, goal: { kind: 'guest', number }, ...rest }
}

/** `s-20261121-143000`: sorts by time, in UTC. */
function defaultName(now: number): string {
  return `s-${new Date(now).toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')}`
}

async function getSnapshot(daemon: Daemon, guest: string, name: string): Promise<Held<SnapshotRecord>> {
  const { host, number } = (await getGuestRecord(daemon, guest)).value
  const record = await read<SnapshotRecord>(daemon.store, keys.snapshot(host, number, name))
  if (record && !record.value.deleting) return record
  throw new CroftError('SNAPSHOT_NOT_FOUND', `no snapshot "${guest}@${name}"`, { hint: `croft snapshot ls ${guest}` })
}

/** A guest that is still to be made from it would never come to be. */
async function assertNotSource(daemon: Daemon, snapshot: Held<SnapshotRecord>): Promise<void> {
  const { host } = getFarm(daemon).parts
  for (const { value } of await readAll<GuestRecord>(daemon.store, keys.guests(host.name))) {
    const { from, id } = value.spec.root
    if (from.kind !== 'snapshot' || from.id !== snapshot.value.id || value.deleting) continue
    const status = await read<GuestStatus>(daemon.store, keys.guestStatus(host.name, value.number))
    if (status?.value.rootId !== id)
      throw new CroftError('IN_USE', `guest "${value.name}" is being made from it`, { hint: 'croft op ls' })
  }
}

async function viewSnapshot(daemon: Daemon, record: Held<SnapshotRecord>, guest: string): Promise<Snapshot> {
  const { parts } = getFarm(daemon)
  const { id, name, number, created, deleting } = record.value
  const [, host = ''] = record.key.split('/')
  const status = (await read<SnapshotStatus>(daemon.store, keys.snapshotStatus(host, id)))?.value
  const usage = async () => parts.storage('default').usage({ kind: 'snapshot', number, id })
  const used = host === parts.host.name ? await usage().catch(() => undefined) : undefined
  return {
    guest,
    name,
    id,
    number,
    created,
    state: deleting ? 'removing' : (status?.state ?? 'taking'),
    sizeBytes: used?.usedBytes ?? null,
  }
}
