/** What each host does for its own member: starts it when it is told, keeps it running, takes away what is no member any more. */
import { isCode, toCroftError } from '../../api/errors.ts'
import type { Member, MemberFiles } from '../../drivers/member/driver.ts'
import type { Store } from '../../store/store.ts'
import type { Log } from '../host/parts.ts'
import { keys } from '../records/keys.ts'
import { read } from '../records/records.ts'
import type { StoreMemberRecord } from './records.ts'

export interface OwnMemberParts {
  readonly store: Store
  readonly member: Member
  readonly log: Log
  readonly host: string
  /** The farm's id. */
  readonly farm: string
  readonly files: () => Promise<MemberFiles>
}

export async function tendOwnMember(parts: OwnMemberParts): Promise<void> {
  const { store, member, host, log } = parts
  const key = keys.storeMember(host)
  const record = await read<StoreMemberRecord>(store, key)
  if (record?.value.state === 'gone') {
    await member.erase()
    await store.transact([{ key, revision: record.revision }], [{ delete: key }])
    log.info({}, 'this host carries no member of the store any more')
    return
  }
  const { is } = await member.state()
  try {
    if (is !== 'none') await member.resume()
    else if (record?.value.state === 'wanted') await begin(parts, record.value)
  } catch (thrown) {
    if (!isCode(thrown, 'DATA_LOST') || record?.value.state === 'lost') throw thrown
    log.error({ error: toCroftError(thrown).message }, 'the data of this host’s member of the store is gone')
    const lost: StoreMemberRecord = { ...(record?.value ?? (await said(parts))), state: 'lost' }
    await store.transact([{ key, revision: record?.revision ?? 0 }], [{ put: key, value: lost }])
  }
}

async function begin({ member, log, farm, files }: OwnMemberParts, record: StoreMemberRecord): Promise<void> {
  const { host: name, clientUrl, peerUrl, initial } = record
  const how = await member.start({
    ...{ name, clientUrl, peerUrl, initial, state: 'existing', token: farm, tls: await files() },
  })
  log.info({ clientUrl, how }, 'this host carries a member of the store')
}

/** Of one that had no record. */
async function said({ member, host }: OwnMemberParts): Promise<Omit<StoreMemberRecord, 'state'>> {
  const state = await member.state()
  if (state.is === 'none') throw new Error('it has no member')
  const { clientUrl, peerUrl, initial } = state.wish
  return { schema: 1, host, clientUrl, peerUrl, initial }
}
