/** The inviting host: binds the invitation to the host that came with it, moves the store, and hands over what makes a host. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CroftError, isCode } from '../../api/errors.ts'
import type { Admission } from '../../api/join.ts'
import { historyWrites } from '../../store/history.ts'
import { timestamp } from '../env.ts'
import { folderOf } from '../pki/authority.ts'
import { isFormerStoreCa } from '../pki/former-store-ca.ts'
import { openSeal } from '../pki/seal.ts'
import { findStoreCas, getStoreCas, storeCasText } from '../pki/store-cas.ts'
import { assertMayCome, getInvitation, type InvitationRecord } from '../records/invitations.ts'
import { keys } from '../records/keys.ts'
import { type HostRecord, readAll } from '../records/records.ts'
import { hashOf } from '../records/tokens.ts'
import { assertComerCan, readVersions } from '../records/versions.ts'
import { moveIntoEtcd } from '../store-move/into-etcd.ts'
import { findMarker } from '../store-move/place.ts'
import type { HostAsked } from './joining.ts'
import type { JoiningParts } from './parts.ts'
import { nameTaken } from './reserve.ts'

/** `from`: the address that it came from. */
export async function admitHost(
  parts: JoiningParts,
  invitation: string,
  asked: HostAsked,
  from: string | null,
): Promise<Admission> {
  const { settings, failpoint, log } = parts
  const farm = parts.open()?.parts.farm
  if (!farm) throw new CroftError('NOT_INITIALISED', 'this host has no farm yet', { hint: 'croft init' })
  const folder = folderOf(settings.stateDir)
  assertComerCan(await needsOf(parts, folder), asked)
  await bindInvitation(parts, invitation, { ...asked, from })
  log.warn({ host: asked.name, from, invitation }, 'a host is let in: it is given the CA of the farm')
  failpoint('joinBound.after')
  if (parts.store().kind !== 'etcd') await moveIntoEtcd(parts)
  const marker = await findMarker(settings.stateDir)
  if (!marker) throw new CroftError('FAILED', 'the store has not moved into etcd', { hint: 'croft doctor' })
  failpoint('joinAdmit.before')
  await openSeal(folder)
  return {
    invitation,
    farm: { name: farm.name, id: farm.id },
    ca: await readFile(join(folder, 'ca.pem'), 'utf8'),
    seal: await readFile(join(folder, 'seal.key'), 'utf8'),
    store: { kind: 'etcd', endpoints: marker.endpoints },
    storeCas: storeCasText(await getStoreCas(folder)),
  }
}

/** Before anything is handed over: the store of a farm that was begun by this croft is closed to who cannot make its key. */
async function needsOf({ store }: JoiningParts, folder: string): Promise<readonly string[]> {
  const { needs } = await readVersions(store())
  const [ca] = (store().kind === 'etcd' && (await findStoreCas(folder))) || []
  return ca && (await isFormerStoreCa(folder, ca)) ? needs : [...needs, 'store-ca']
}

const tries = 20

interface Coming extends Pick<HostAsked, 'name' | 'key'> {
  readonly from: string | null
}

/**
 * A host that comes again may bear another name, as long as it is in under none. Each time is told in the history: what it is
 * given makes it root of the farm.
 */
export async function bindInvitation(
  parts: Pick<JoiningParts, 'env' | 'store'>,
  id: string,
  { name, key, from }: Coming,
): Promise<void> {
  const { env } = parts
  for (let count = 1; ; count++) {
    const store = parts.store()
    const { key: at, revision, value } = await getInvitation(store, id)
    await assertMayCome(store, value, env.now(), key)
    const hosts = await readAll<HostRecord>(store, keys.hosts)
    if (value.joined === undefined && hosts.some((host) => host.value.name === name)) throw nameTaken(name)
    if (value.joined !== undefined && value.bound?.host !== name)
      throw new CroftError('REFUSED', `this host is in the farm as "${value.joined}"`, {
        hint: `croft join TOKEN --name ${value.joined}`,
      })
    const now = timestamp(env)
    const bound: InvitationRecord = { ...value, bound: { key: hashOf(key), host: name, at: value.bound?.at ?? now } }
    const told = { at: now, by: `invitation:${id}`, kind: 'host', name, verb: 'admit' }
    const after = { invitation: id, invitedBy: value.by, from }
    try {
      await store.transact(
        [{ key: at, revision }],
        [{ put: at, value: bound }, ...historyWrites({ ...told, before: null, after }, env.id().slice(0, 8))],
      )
      return
    } catch (thrown) {
      if (!isCode(thrown, 'CHANGED_MEANWHILE') || count >= tries) throw thrown
    }
  }
}
