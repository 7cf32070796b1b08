/** The inviting host: binds the invitation to the host that came with it, moves the store, and hands over what makes a host. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CroftError, isCode } from '../../api/errors.ts'
import type { Admission } from '../../api/join.ts'
import { timestamp } from '../env.ts'
import { folderOf } from '../pki/authority.ts'
import { openSeal } from '../pki/seal.ts'
import { assertUsable, getInvitation, type InvitationRecord } from '../records/invitations.ts'
import { keys } from '../records/keys.ts'
import { type HostRecord, readAll } from '../records/records.ts'
import { hashOf } from '../records/tokens.ts'
import { moveIntoEtcd } from '../store-move/into-etcd.ts'
import { findMarker } from '../store-move/place.ts'
import type { HostAsked } from './joining.ts'
import type { JoiningParts } from './parts.ts'
import { nameTaken } from './reserve.ts'

export async function admitHost(parts: JoiningParts, invitation: string, asked: HostAsked): Promise<Admission> {
  const { settings, failpoint } = parts
  const farm = parts.open()?.parts.farm
  if (!farm) throw new CroftError('NOT_INITIALISED', 'this host has no farm yet', { hint: 'croft init' })
  await bind(parts, invitation, asked)
  failpoint('joinBound.after')
  if (parts.store().kind !== 'etcd') await moveIntoEtcd(parts)
  const marker = await findMarker(settings.stateDir)
  if (!marker) throw new CroftError('FAILED', 'the store has not moved into etcd', { hint: 'croft doctor' })
  failpoint('joinAdmit.before')
  const folder = folderOf(settings.stateDir)
  await openSeal(folder)
  return {
    invitation,
    farm: { name: farm.name, id: farm.id },
    ca: await readFile(join(folder, 'ca.pem'), 'utf8'),
    seal: await readFile(join(folder, 'seal.key'), 'utf8'),
    store: { kind: 'etcd', endpoints: marker.endpoints },
  }
}

const tries = 20

/** A host that comes again may bear another name, as long as it is in under none. */
async function bind(parts: JoiningParts, id: string, { name, key }: HostAsked): Promise<void> {
  const { env } = parts
  for (let count = 1; ; count++) {
    const store = parts.store()
    const { key: at, revision, value } = await getInvitation(store, id)
    assertUsable(value, env.now(), key)
    const hosts = await readAll<HostRecord>(store, keys.hosts)
    if (value.joined === undefined && hosts.some((host) => host.value.name === name)) throw nameTaken(name)
    if (value.bound?.host === name) return
    if (value.joined !== undefined)
      throw new CroftError('REFUSED', `this host is in the farm as "${value.joined}"`, {
        hint: `croft join TOKEN --name ${value.joined}`,
      })
    const bound: InvitationRecord = { ...value, bound: { key: hashOf(key), host: name, at: timestamp(env) } }
    try {
      await store.transact([{ key: at, revision }], [{ put: at, value: bound }])
      return
    } catch (thrown) {
      if (!isCode(thrown, 'CHANGED_MEANWHILE') || count >= tries) throw thrown
    }
  }
}
