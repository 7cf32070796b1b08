/** Where the store of this host is, and how it is opened: the file, until it was moved; then etcd, for good. */
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CroftError } from '../api/errors.ts'
import type { Runner } from '../drivers/exec/command.ts'
import { openSqliteStore } from '../store/sqlite/index.ts'
import type { Store } from '../store/store.ts'
import type { Env } from './env.ts'
import { findKept } from './host/kept.ts'
import type { Log } from './host/parts.ts'
import { forgetMesh } from './mesh/place.ts'
import { folderOf } from './pki/authority.ts'
import { keys } from './records/keys.ts'
import { read } from './records/records.ts'
import { keptFileOf, type Settings } from './settings.ts'
import { copyBeforeUpgrade } from './store-copies.ts'
import type { LeftRecord } from './store-move/copy.ts'
import { findMarker, markerFileOf, type StoreMarker, writeMarker } from './store-move/place.ts'
import { forgetVlans } from './vlans/place.ts'

export interface OpenStoreParts {
  readonly env: Env
  readonly run: Runner
  readonly log: Log
  readonly version: string
  readonly settings: Settings
}

export async function openStore(parts: OpenStoreParts): Promise<Store> {
  const { stateDir } = parts.settings
  const marker = await findMarker(stateDir)
  if (marker) return openMoved(parts, marker)
  const file = await openFile(parts)
  const left = await read<LeftRecord>(file, keys.moved)
  if (!left) return file
  await file.close()
  const { farm, farmName, host, endpoints } = left.value
  const found: StoreMarker = { schema: 1, kind: 'etcd', farm, farmName, host, endpoints }
  await writeMarker(stateDir, found)
  return openMoved(parts, found)
}

/** Loaded where it is needed: a farm of one host has no etcd. */
async function openMoved(parts: OpenStoreParts, { host, endpoints }: StoreMarker): Promise<Store> {
  const { openMovedStore } = await import('./store-move/open-etcd.ts')
  const store = await openMovedStore(parts, { host, endpoints })
  if (await isOneOf(store, host, keptFileOf(parts.settings))) return store
  await store.close()
  const { leaveMembers } = await import('./store-move/leave-members.ts')
  await leaveMembers(parts, host).catch((thrown) =>
    parts.log.warn({ error: String(thrown) }, 'a member of the store is left'),
  )
  await forgetFarm(parts)
  return openFile(parts)
}

/** A host that has left has no record. One with guests is never taken for that: then the store is an older one. */
async function isOneOf(store: Store, host: string, keptFile: string): Promise<boolean> {
  if (await read(store, keys.host(host))) return true
  return ((await findKept(keptFile))?.guests.length ?? 0) > 0
}

/** Keys of the farm are not kept where it is not. In this order: whatever is left of it, the next start finds it so again. */
async function forgetFarm({ run, settings, log }: OpenStoreParts): Promise<void> {
  const { stateDir, storeFile } = settings
  log.warn({}, 'this host is none of the farm any more: what it had of it is removed')
  await forgetMesh(run, settings)
  await forgetVlans(run, settings)
  for (const path of [keptFileOf(settings), markerFileOf(stateDir), dirname(storeFile), folderOf(stateDir)])
    await rm(path, { recursive: true, force: true })
}

/** A host that was given a plan had a store: a missing one is a loss, and none is made in its place. */
async function openFile({ env, log, version, settings }: OpenStoreParts): Promise<Store> {
  const { storeFile } = settings
  if (!existsSync(storeFile) && existsSync(keptFileOf(settings)))
    throw new CroftError('DATA_LOST', `the store ${storeFile} is gone`, { hint: 'croft doctor' })
  return openSqliteStore({
    ...{ path: storeFile, now: () => env.now(), newId: () => env.uuid() },
    beforeWriting(found) {
      const copy = copyBeforeUpgrade(storeFile, version, found)
      if (copy !== undefined) log.info({ copy }, 'another version had this store: copied as that one left it')
    },
  })
}
