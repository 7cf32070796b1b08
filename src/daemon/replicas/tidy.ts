/** The end of a replica, step by step: written by the record's revision, so that one whose guest has moved meanwhile stays. */
import { CroftError } from '../../api/errors.ts'
import { isPassOf, type TidyStep } from '../../plan/replica.ts'
import type { HostParts } from '../host/parts.ts'
import { keys } from '../records/keys.ts'
import { type GuestRecord, type Held, read } from '../records/records.ts'
import { changeReplica, forgetReplica, guestOfReplica, hostOfGuest, type ReplicaRecord } from '../records/replicas.ts'

export async function tidyReplica(parts: HostParts, record: Held<ReplicaRecord>, step: TidyStep): Promise<void> {
  parts.failpoint(`replica.${step}.before`)
  await steps[step](parts, record)
  parts.failpoint(`replica.${step}.after`)
}

type Steps = Readonly<Record<TidyStep, (parts: HostParts, record: Held<ReplicaRecord>) => Promise<unknown>>>

const steps: Steps = {
  async follow({ store }, record) {
    const from = await hostOfGuest(store, record.value)
    if (from === record.value.host) await forgetReplica(store, record)
    else if (from !== undefined) await changeReplica(store, record, { from })
  },
  mark: ({ store }, record) => changeReplica(store, record, { deleting: true }),
  async clearPasses(parts, record) {
    const guest = await guestOfReplica(parts.store, record.value)
    if (guest) await clearPasses(parts, guest.value, record.value.id)
    await changeReplica(parts.store, record, { cleared: true })
  },
  async clearDisks(parts, record) {
    await clearDisks(parts, record.value.number)
    await forgetReplica(parts.store, record)
  },
  forget: ({ store }, record) => forgetReplica(store, record),
}

async function clearPasses(parts: HostParts, { number, spec }: GuestRecord, id: string): Promise<void> {
  const storage = parts.storage(spec.pool)
  for (const disk of (await storage.holdings(number)).snapshots)
    if (isPassOf(id, disk)) await storage.remove({ kind: 'snapshot', number, id: disk })
}

/** All that lies here under that number, when the guest is neither here nor comes. */
export async function clearDisks({ store, host, pools }: HostParts, number: number): Promise<void> {
  for (const name of pools.names) {
    if (!(await pools.state(name)).mounted)
      throw new CroftError('POOL_MISSING', `pool ${name} is away: ${pools.whyAway(name)}`, { hint: 'croft pool ls' })
    const storage = pools.storage(name)
    const { roots, snapshots } = await storage.holdings(number)
    if ((await read(store, keys.guest(host.name, number))) || (await read(store, keys.move(number))))
      throw new CroftError('BUSY', `guest number ${number} is on its way here`, { hint: 'croft op ls' })
    for (const id of snapshots) await storage.remove({ kind: 'snapshot', number, id })
    for (const id of roots) await storage.remove({ kind: 'root', number, id })
  }
}
