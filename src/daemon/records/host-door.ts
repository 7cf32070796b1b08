/**
 * The address at which other hosts reach this one, when the farm is told to listen elsewhere. It is there since this host
 * invited; it goes when nobody needs it any more: no other host, and no invitation that still opens something.
 */
import { CroftError } from '../../api/errors.ts'
import { keepsHosts } from '../../plan/host-door.ts'
import type { Compare, Store, Write } from '../../store/store.ts'
import { assertMayCome, endsAt, type InvitationRecord } from './invitations.ts'
import { keys } from './keys.ts'
import { type HostRecord, read, readAll } from './records.ts'

export interface MovedDoor {
  readonly address: string | undefined
  readonly compare: readonly Compare[]
  readonly writes: readonly Write[]
}

interface Asked {
  readonly store: Store
  readonly own: string
  readonly now: number
}

export async function moveDoor(asked: Asked, listen: string | undefined): Promise<MovedDoor> {
  const host = await read<HostRecord>(asked.store, keys.host(asked.own))
  if (host?.value.address === undefined) return { address: undefined, compare: [], writes: [] }
  const { address, ...rest } = host.value
  const who = await findWhoNeeds(asked)
  if (who === undefined)
    // An invitation writes this record: one that is made meanwhile is seen.
    return {
      address: undefined,
      compare: [{ key: host.key, revision: host.revision }],
      writes: [{ put: host.key, value: rest }],
    }
  if (keepsHosts(listen, address)) return { address, compare: [], writes: [] }
  throw new CroftError('REFUSED', `${who} this one at ${address}: the door stays on that port`, {
    hint: `croft farm set listen=:${address.split(':').at(-1)}`,
  })
}

async function findWhoNeeds({ store, own, now }: Asked): Promise<string | undefined> {
  const hosts = await readAll<HostRecord>(store, keys.hosts)
  if (hosts.some(({ value }) => value.name !== own && value.dead === undefined)) return 'the other hosts reach'
  for (const { value } of await readAll<InvitationRecord>(store, keys.invites))
    if (await mayCome(store, value, now)) return `an invitation, good until ${endsAt(value)}, names`
  return undefined
}

const mayCome = (store: Store, invitation: InvitationRecord, now: number): Promise<boolean> =>
  assertMayCome(store, invitation, now).then(
    () => true,
    (thrown) => {
      if (thrown instanceof CroftError && thrown.code === 'REFUSED') return false
      throw thrown
    },
  )
