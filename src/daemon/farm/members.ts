/** Changes of who answers for a site: each compares all that it was decided on, and is one transaction with what belongs to it. */
import { CroftError } from '../../api/errors.ts'
import type { Compare, Write } from '../../store/store.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import { timestamp } from '../env.ts'
import type { Member, MembersRecord } from '../records/app-records.ts'
import { keys } from '../records/keys.ts'
import { type GuestRecord, type Held, type RouteRecord, readAll, schemaVersion } from '../records/records.ts'
import type { SiteNow } from './site-now.ts'

export const emptyMembers = (id: string): MembersRecord => ({ schema: schemaVersion, id, members: [], next: 1 })

export async function writeMembers(
  { store }: Daemon,
  { name, site, members }: SiteNow,
  to: (before: MembersRecord) => MembersRecord,
  more: { readonly compare?: readonly Compare[]; readonly writes?: readonly Write[] } = {},
): Promise<void> {
  const key = keys.membersOf(name)
  const next = to(members?.value ?? emptyMembers(site?.value.id ?? ''))
  await store.transact(
    [{ key, revision: members?.revision ?? 0 }, ...(more.compare ?? [])],
    [{ put: key, value: next }, ...(more.writes ?? [])],
  )
}

export const inState =
  (daemon: Daemon, names: readonly string[], state: Member['state']) =>
  (record: MembersRecord): MembersRecord => ({
    ...record,
    members: record.members.map((member) =>
      names.includes(member.name) && member.state !== state
        ? { ...member, state, since: timestamp(daemon.env) }
        : member,
    ),
  })

/** The member is gone and its guest on its way in one moment: nobody is sent to what is being removed. */
export async function removeMember(
  daemon: Daemon,
  now: SiteNow,
  name: string,
  more: Parameters<typeof writeMembers>[3] = {},
) {
  const member = now.members?.value.members.find((each) => each.name === name)
  const guest = member && now.guests.get(member.number)?.record
  const key = guest && keys.guest(guest.host, guest.number)
  const found = key === undefined ? undefined : await readGuest(daemon, key)
  const goes = found && found.value.id === member?.id && !found.value.deleting ? found : undefined
  const next: GuestRecord | undefined = goes && { ...goes.value, generation: goes.value.generation + 1, deleting: true }
  await writeMembers(
    daemon,
    now,
    (record) => ({ ...record, members: record.members.filter((each) => each.name !== name) }),
    {
      compare: [...(goes ? [{ key: goes.key, revision: goes.revision }] : []), ...(more.compare ?? [])],
      writes: [...(goes ? [{ put: goes.key, value: next }] : []), ...(more.writes ?? [])],
    },
  )
  if (member) getFarm(daemon).loop.nudge(member.number)
}

async function readGuest({ store }: Daemon, key: string): Promise<Held<GuestRecord> | undefined> {
  const { entry } = await store.get(key)
  return entry && { key, revision: entry.revision, value: entry.value as GuestRecord }
}

/** Returns when the edge knows what the records say; throws when it does not, and somebody is sent here by it. */
export async function tellEdge(daemon: Daemon, site: string): Promise<void> {
  const { edge } = getFarm(daemon).loop
  await edge.refresh()
  const routes = (await readAll<RouteRecord>(daemon.store, keys.routes)).map(({ value }) => value)
  const leading = routes.filter(({ spec: { target } }) => target.kind === 'site' && target.site === site)
  const why = leading.map((route) => edge.whyNot(route)).find((each) => each !== undefined)
  if (why === undefined) return
  throw new CroftError('FAILED', `the edge cannot be told who answers for ${site}: ${why}`, { hint: 'croft doctor' })
}
